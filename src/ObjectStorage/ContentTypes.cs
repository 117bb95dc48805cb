namespace Framelease.ObjectStorage;

/// <summary>Content type by extension, for objects that were put without one.</summary>
static class ContentTypes
{
    public const string Unknown = "application/octet-stream";

    public static string Of(string key) => Path.GetExtension(key).ToLowerInvariant() switch
    {
        ".mp4" or ".m4v" => "video/mp4",
        ".webm" => "video/webm",
        ".mov" => "video/quicktime",
        ".mkv" => "video/x-matroska",
        ".avi" => "video/x-msvideo",
        ".ts" => "video/mp2t",
        ".jpg" or ".jpeg" => "image/jpeg",
        ".png" => "image/png",
        ".gif" => "image/gif",
        ".json" => "application/json",
        ".vtt" => "text/vtt",
        ".srt" => "application/x-subrip",
        ".txt" => "text/plain",
        _ => Unknown,
    };
}
