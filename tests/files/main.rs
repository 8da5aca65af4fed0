//! What is kept in files and in flash.

mod checkpoint_corruption;
mod detector;
mod flash;
mod flash_histories;
mod lstm;
mod pages;
mod pytorch;
mod quantized;
mod quantized_lstm;
mod reboots;
mod safetensors;
mod slots;
mod word_index;
