namespace Framelease.Media.Running;

/// <summary>
/// How every foreign file is given to ffmpeg and ffprobe: only local protocols, and only demuxers that read the one file.
/// Play lists (hls, dash, concat) are left out because they name other files, which the user may not be allowed to read.
/// </summary>
static class SafeInput
{
    const string Formats =
        "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,mpegvideo,flv,ogg,asf,gif,mxf,rm,ivf,h264,hevc,obu,av1,m4v,dv,nut,"
        + "yuv4mpegpipe,apng,wav,w64,mp3,flac,aac,aiff,caf,amr,ac3,eac3,dts,wtv,h263,vc1,mjpeg,swf,vob,dirac,gxf";

    public const string FormatsForPeople = "MP4, MOV, MKV, WebM, AVI, MPEG-TS, MPEG-PS, FLV, OGG, ASF/WMV, MXF, GIF, Y4M and raw H.264/H.265/AV1";

    public static IReadOnlyList<string> Options { get; } = ["-protocol_whitelist", "file,pipe", "-format_whitelist", Formats];

    /// <summary>A file name that can be taken neither for an option nor for another protocol.</summary>
    public static string Name(string path) => "file:" + path;
}
