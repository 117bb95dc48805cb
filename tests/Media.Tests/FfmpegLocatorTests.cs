namespace Framelease.Media.Tests;

public sealed class FfmpegLocatorTests : IDisposable
{
    readonly string _folder = Directory.CreateTempSubdirectory("framelease-locator-").FullName;

    void Program(string name)
    {
        var path = Path.Combine(_folder, name);
        File.WriteAllText(path, "");
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserExecute);
    }

    FfmpegPrograms Find(string? path, string? named = null) =>
        FfmpegLocator.Find(name => name == "PATH" ? path : name == FfmpegLocator.Variable ? named : null);

    [Fact]
    public void The_path_is_searched()
    {
        Program("ffmpeg");
        Program("ffprobe");
        Find($"/nowhere::relative:{_folder}").Ffprobe.ShouldBe(Path.Combine(_folder, "ffprobe"));
        Find(_folder).Prlimit.ShouldBeNull();
    }

    [Fact]
    public void The_variable_wins_and_may_name_the_folder()
    {
        Program("ffmpeg");
        Program("ffprobe");
        Find("/usr/bin", _folder).Ffmpeg.ShouldBe(Path.Combine(_folder, "ffmpeg"));
        Find("/usr/bin", Path.Combine(_folder, "ffmpeg")).Ffprobe.ShouldBe(Path.Combine(_folder, "ffprobe"));
    }

    [Fact]
    public void A_missing_program_says_how_to_install_it()
    {
        var error = Should.Throw<MediaException>(() => Find(_folder));
        error.Failure.ShouldBe(MediaFailure.NotInstalled);
        error.Message.ShouldContain("apt-get install ffmpeg");
    }

    [Fact]
    public void A_wrong_variable_is_named_rather_than_passed_over() =>
        Should.Throw<MediaException>(() => Find("/usr/bin", "/nowhere/ffmpeg")).Message.ShouldContain("FRAMELEASE_FFMPEG is '/nowhere/ffmpeg'");

    [Fact]
    public void A_file_that_cannot_be_executed_is_no_program()
    {
        File.WriteAllText(Path.Combine(_folder, "ffmpeg"), "");
        Should.Throw<MediaException>(() => Find(_folder));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
