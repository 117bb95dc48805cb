using Framelease.Cli.Commands;

namespace Framelease.Cli.Tests.Commands;

public sealed class UploadCommandTests : IDisposable
{
    readonly string _directory = Directory.CreateTempSubdirectory("framelease-upload").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task A_file_becomes_an_object_with_its_digest()
    {
        var file = Path.Combine(_directory, "clip.mp4");
        await File.WriteAllTextAsync(file, "abc");

        var info = await UploadCommand.PutAsync(Path.Combine(_directory, "store"), file, "inputs/clip.mp4", new TestShell().Shell, CancellationToken.None);

        info.Sha256.ShouldBe("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        Directory.EnumerateFiles(Path.Combine(_directory, "store"), "clip.mp4", SearchOption.AllDirectories).ShouldHaveSingleItem();
    }

    [Fact]
    public async Task A_key_that_climbs_out_of_the_store_is_refused()
    {
        var file = Path.Combine(_directory, "clip.mp4");
        await File.WriteAllTextAsync(file, "abc");

        (await Should.ThrowAsync<CliException>(
            () => UploadCommand.PutAsync(Path.Combine(_directory, "store"), file, "../clip.mp4", new TestShell().Shell, CancellationToken.None)))
            .ExitCode.ShouldBe(1);
    }
}
