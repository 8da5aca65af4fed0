//! What is kept in files and in flash.

mod checkpoint_corruption;
mod pages;
mod pytorch;
mod safetensors;
mod slots;
