namespace Framelease.LocalCluster.ApiServer.Handlers;

/// <summary>Completes <c>generateName</c> with five characters that form no words and are hard to misread.</summary>
sealed class NameGenerator(Random random)
{
    const string Alphabet = "bcdfghjklmnpqrstvwxz2456789";
    const int Suffix = 5;
    const int MaxName = 63;

    readonly Lock _lock = new();

    public string Next(string prefix)
    {
        if (prefix.Length > MaxName - Suffix)
            prefix = prefix[..(MaxName - Suffix)];
        lock (_lock)
            return prefix + new string(random.GetItems<char>(Alphabet, Suffix));
    }
}
