//! What is kept in files and in flash.

mod checkpoint_corruption;
mod pytorch;
mod safetensors;
mod slots;
