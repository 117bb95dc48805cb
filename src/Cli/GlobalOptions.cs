using System.CommandLine;

namespace Framelease.Cli;

/// <summary>Options that every command understands.</summary>
sealed class GlobalOptions
{
    public Option<string?> Kubeconfig { get; } = new("--kubeconfig")
    {
        Description = "Kubeconfig file. Default: $KUBECONFIG, else the platform that `framelease up` started, else ~/.kube/config",
        HelpName = "FILE",
        Recursive = true,
    };

    public Option<string?> Namespace { get; } = new("--namespace", "-n")
    {
        Description = "Namespace. Default: that of the kubeconfig's context",
        HelpName = "NAME",
        Recursive = true,
    };

    public Option<string?> Operator { get; } = new("--operator")
    {
        Description = "Address of the operator's HTTP API. Default: $FRAMELEASE_OPERATOR, else what the cluster says",
        HelpName = "URL",
        Recursive = true,
    };

    public Option<string> Output { get; } = new("--output", "-o")
    {
        Description = "text or json",
        HelpName = "FORMAT",
        DefaultValueFactory = _ => "text",
        Recursive = true,
    };

    public GlobalOptions() => Output.AcceptOnlyFromAmong("text", "json", "wide");

    public void AddTo(Command root)
    {
        root.Add(Kubeconfig);
        root.Add(Namespace);
        root.Add(Operator);
        root.Add(Output);
    }

    public bool Json(ParseResult parsed) => parsed.GetValue(Output) == "json";
}
