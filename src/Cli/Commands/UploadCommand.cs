using System.CommandLine;
using System.Text.Json.Nodes;
using Framelease.Cli.Connecting;
using Framelease.Cli.Terminal;
using Framelease.ObjectStorage;
using Framelease.ObjectStorage.Directories;
using Framelease.ObjectStorage.Presigning;

namespace Framelease.Cli.Commands;

/// <summary><c>framelease upload FILE [KEY]</c>: puts a file into the platform's object store, where tasks find it by key.</summary>
static class UploadCommand
{
    public static Command Create(GlobalOptions globals, Shell shell)
    {
        var file = new Argument<string>("file") { Description = "File of this machine" };
        var key = new Argument<string?>("key") { Description = "Key. Default: inputs/ and the file's name", Arity = ArgumentArity.ZeroOrOne };
        var command = new Command("upload", "Put a file into the platform's object store") { file, key };
        command.SetAction(async (parsed, ct) =>
        {
            var path = parsed.GetRequiredValue(file);
            if (!File.Exists(path))
                throw CliException.Usage($"{path}: no such file");
            using var cluster = Cluster.Connect(globals, parsed, shell);
            var store = await PlatformAddresses.FindObjectStoreAsync(cluster.Client, ct);
            var info = await PutAsync(store, path, parsed.GetValue(key) ?? $"inputs/{Path.GetFileName(path)}", shell, ct);
            shell.Console.Out.WriteLine(globals.Json(parsed)
                ? new JsonObject { ["key"] = info.Key, ["bytes"] = info.Size, ["sha256"] = info.Sha256 }.ToJsonString()
                : $"{info.Key}: {Format.Bytes(info.Size)}, sha256 {info.Sha256}");
            return ExitCodes.Ok;
        });
        return command;
    }

    public static async Task<ObjectInfo> PutAsync(string storeDirectory, string file, string key, Shell shell, CancellationToken ct)
    {
        try
        {
            // Nothing is signed here: the bytes are written in place.
            var store = new DirectoryObjectStore(storeDirectory, null!, shell.Time, shell.NewId);
            await using var content = File.OpenRead(file);
            return await store.PutAsync(key, content, new PutOptions(), ct);
        }
        catch (ObjectStoreException error)
        {
            throw new CliException(error.Message, ExitCodes.Failed, error);
        }
    }
}
