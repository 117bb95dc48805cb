using Framelease.Cli.Manifests;

namespace Framelease.Cli.Tests.Manifests;

public sealed class ManifestFilesTests : IDisposable
{
    readonly string _directory = Directory.CreateTempSubdirectory("framelease-manifests").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void A_directory_gives_its_manifests_in_order_of_file_and_document()
    {
        Write("b.yaml", "{apiVersion: v1, kind: B, metadata: {name: b1}}\n---\n{apiVersion: v1, kind: B, metadata: {name: b2}}\n");
        Write("a.json", """{"apiVersion": "v1", "kind": "A", "metadata": {"name": "a"}}""");
        Write("notes.txt", "not a manifest");

        ManifestFiles.Read(_directory, TextReader.Null).Select(m => m.Name).ShouldBe(["a", "b1", "b2"]);
    }

    [Fact]
    public void A_list_gives_its_items()
    {
        Write("list.yaml", "{apiVersion: v1, kind: List, items: [{apiVersion: v1, kind: A, metadata: {name: one}}, {apiVersion: v1, kind: A, metadata: {name: two}}]}");

        ManifestFiles.Read(_directory, TextReader.Null).Select(m => m.Name).ShouldBe(["one", "two"]);
    }

    [Fact]
    public void Standard_input_is_a_dash()
    {
        ManifestFiles.Read("-", new StringReader("{apiVersion: v1, kind: A, metadata: {name: piped}}")).Single().Name.ShouldBe("piped");
    }

    [Theory]
    [InlineData("a: [", "not valid YAML")]
    [InlineData("- 1", "must be a mapping")]
    [InlineData("kind: A", "apiVersion is missing")]
    [InlineData("{apiVersion: v1, metadata: {name: a}}", "kind is missing")]
    [InlineData("{apiVersion: v1, kind: A}", "metadata.name is missing")]
    [InlineData("", "holds no manifest")]
    public void What_is_no_manifest_is_refused_with_the_file_and_the_reason(string text, string reason)
    {
        Write("wrong.yaml", text);

        var error = Should.Throw<CliException>(() => ManifestFiles.Read(Path.Combine(_directory, "wrong.yaml"), TextReader.Null));

        error.ExitCode.ShouldBe(2);
        error.Message.ShouldContain("wrong.yaml");
        error.Message.ShouldContain(reason);
    }

    void Write(string name, string text) => File.WriteAllText(Path.Combine(_directory, name), text);
}
