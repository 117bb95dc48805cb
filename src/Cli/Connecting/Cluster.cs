using System.CommandLine;
using Framelease.Kubernetes.Client;
using Framelease.Kubernetes.Configuration;

namespace Framelease.Cli.Connecting;

/// <summary>The API server that a command talks to, found as kubectl finds it, and the platform of this machine before <c>~/.kube/config</c>.</summary>
sealed class Cluster : IDisposable
{
    readonly Shell _shell;
    readonly string? _operatorUrl;
    OperatorApi? _operator;

    Cluster(Shell shell, KubernetesClientOptions options, string ns, string? operatorUrl)
    {
        _shell = shell;
        _operatorUrl = operatorUrl;
        Options = options;
        Namespace = ns;
        Client = new KubernetesClient(options, shell.Time, shell.Random);
    }

    public KubernetesClientOptions Options { get; }

    public KubernetesClient Client { get; }

    public string Namespace { get; }

    public static Cluster Connect(GlobalOptions globals, ParseResult parsed, Shell shell)
    {
        var options = KubeConfig.Load(parsed.GetValue(globals.Kubeconfig) ?? KubeconfigOfThisMachine(shell), null, shell.Environment);
        return new(
            shell, options, parsed.GetValue(globals.Namespace) ?? options.Namespace,
            parsed.GetValue(globals.Operator) ?? NotEmpty(shell.Environment("FRAMELEASE_OPERATOR")));
    }

    /// <summary>For commands that started or know their platform themselves.</summary>
    public static Cluster Connect(string kubeconfig, string ns, string? operatorUrl, Shell shell) =>
        new(shell, KubeConfig.Load(kubeconfig, null, shell.Environment), ns, operatorUrl);

    public async Task<OperatorApi> OperatorAsync(CancellationToken ct) => _operator ??= new OperatorApi(await OperatorAddressAsync(ct), Options);

    /// <summary>Of the operator's HTTP API, ending in a slash.</summary>
    public async Task<Uri> OperatorAddressAsync(CancellationToken ct) =>
        new((_operatorUrl ?? await PlatformAddresses.FindOperatorAsync(Client, ct)).TrimEnd('/') + "/");

    public void Dispose()
    {
        _operator?.Dispose();
        Client.Dispose();
    }

    // Null lets the library go on with its own order: KUBECONFIG, ~/.kube/config, the pod that we run in.
    static string? KubeconfigOfThisMachine(Shell shell)
    {
        if (NotEmpty(shell.Environment("KUBECONFIG")) is not null || NotEmpty(shell.Environment("KUBERNETES_SERVICE_HOST")) is not null)
            return null;
        var file = DataDirectory.Kubeconfig(DataDirectory.Default(shell));
        return File.Exists(file) ? file : null;
    }

    static string? NotEmpty(string? text) => string.IsNullOrEmpty(text) ? null : text;
}
