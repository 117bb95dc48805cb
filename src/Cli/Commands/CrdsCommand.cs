using System.CommandLine;
using Framelease.Kubernetes.Schema;
using Framelease.Resources;

namespace Framelease.Cli.Commands;

/// <summary><c>framelease crds</c>: the CustomResourceDefinitions, generated from the records of src/Resources.</summary>
static class CrdsCommand
{
    public static Command Create(GlobalOptions globals, Shell shell)
    {
        var directory = new Option<string?>("--directory", "-d") { Description = "Write one file a kind into this directory. Default: all to standard output", HelpName = "DIR" };
        var command = new Command("crds", "Print or write the CustomResourceDefinitions (kubectl apply -f - installs them)") { directory };
        command.SetAction(parsed =>
        {
            if (parsed.GetValue(directory) is not { } target)
            {
                shell.Console.Out.Write(string.Join("---\n", CustomResources.All.Select(CustomResources.DefinitionYaml)));
                return ExitCodes.Ok;
            }

            Directory.CreateDirectory(target);
            foreach (var kind in CustomResources.All)
            {
                var file = Path.Combine(target, CrdGenerator.FileName(kind));
                File.WriteAllText(file, CustomResources.DefinitionYaml(kind));
                shell.Console.Out.WriteLine(file);
            }

            return ExitCodes.Ok;
        });
        return command;
    }
}
