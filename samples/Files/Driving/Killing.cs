namespace Files.Driving;

/// <summary>Kills a service whenever some more files have come through: at moments of progress, however fast that is.</summary>
internal sealed class Killing(Options options, Fleet fleet)
{
    private const int Kills = 10;                    // about so many, where the number of files is known
    private const int Files = 500;                   // else one in about so many files
    private readonly Random random = new(options.Seed);
    private int next = 1;

    /// <summary>Told of every entry.</summary>
    public void Progress(int entries)
    {
        if (!options.Kill || entries < next) return;
        fleet.Kill();
        int step = options.Count is { } count ? Math.Max(1, count / Kills) : Files;
        next = entries + step / 2 + random.Next(step + 1) + 1;
    }
}
