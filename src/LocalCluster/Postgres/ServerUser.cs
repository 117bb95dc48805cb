// PostgreSQL refuses to run as root: as root, the server programs run as `postgres` (else `nobody`) and own the data directory.
using System.Globalization;

namespace Framelease.LocalCluster.Postgres;

internal sealed record ServerUser(string Name, uint Uid, uint Gid)
{
    /// <summary>The user for the server's processes; null when we are an ordinary user ourselves.</summary>
    public static ServerUser? Choose()
    {
        if (!string.Equals(Environment.UserName, "root", StringComparison.Ordinal) && Posix.EffectiveUserId() != 0) return null;
        var entries = File.ReadAllLines("/etc/passwd").Select(l => l.Split(':')).Where(f => f.Length >= 4).ToList();
        foreach (var name in new[] { "postgres", "nobody" })
            if (entries.Find(f => f[0] == name) is { } found)
                return new(name, uint.Parse(found[2], CultureInfo.InvariantCulture), uint.Parse(found[3], CultureInfo.InvariantCulture));
        throw new PrivatePostgresException("Running as root, and /etc/passwd has neither 'postgres' nor 'nobody' to run the server as. Mend: useradd postgres.");
    }

    /// <summary>Whether this user can enter the directory, which means every parent lets it through.</summary>
    public async Task<bool> CanEnterAsync(string directory, CancellationToken ct)
    {
        var test = new[] { "/usr/bin/test", "/bin/test" }.FirstOrDefault(File.Exists)
            ?? throw new PrivatePostgresException("The program 'test' (coreutils) is neither in /usr/bin nor in /bin.");
        return (await PostgresPrograms.RunAsync(test, ["-x", directory], this, input: null, ct)).Exit == 0;
    }
}
