// crds/ is what the records say: nobody edits it by hand, and nobody changes a record without it.
using Framelease.Kubernetes.Schema;

namespace Framelease.Resources.Tests;

public sealed class CrdDriftTests
{
    const string Mend = "run `./framelease crds --directory crds` and commit the result";

    static readonly string Folder = Path.Combine(Root(), "crds");

    public static TheoryData<Type> Kinds => [.. CustomResources.All];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Each_definition_equals_its_record(Type kind)
    {
        var file = Path.Combine(Folder, CrdGenerator.FileName(kind));
        File.Exists(file).ShouldBeTrue($"crds/{CrdGenerator.FileName(kind)} is missing: {Mend}");
        File.ReadAllText(file).ShouldBe(CustomResources.DefinitionYaml(kind), $"crds/{CrdGenerator.FileName(kind)} differs from {kind.Name}: {Mend}");
    }

    [Fact]
    public void There_is_no_definition_without_a_record()
    {
        var extra = Directory.GetFiles(Folder, "*.yaml").Select(Path.GetFileName).Except(CustomResources.All.Select(CrdGenerator.FileName));
        extra.ShouldBeEmpty($"these files of crds/ have no record: remove them, or {Mend}");
    }

    [Fact]
    public void Descriptions_come_from_the_documentation_comments() =>
        CrdGenerator.GenerateYaml(typeof(VideoTask)).ShouldContain("Name of the Engine that does the work.");

    static string Root()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Platform.sln")))
                return folder.FullName;
        }

        throw new InvalidOperationException("Platform.sln not found above the tests");
    }
}
