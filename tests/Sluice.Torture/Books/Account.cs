namespace Sluice.Torture;

/// <summary>What is known of one item, from the journals and from what the store holds in the end.</summary>
internal sealed class Account
{
    public bool IsSent { get; set; }

    public bool IsAcknowledged { get; set; }

    /// <summary>How often its first stage was called, in all lives.</summary>
    public int Starts { get; set; }

    /// <summary>How often a failure of it was thrown.</summary>
    public int Failures { get; set; }

    /// <summary>How many lives ended while it may have been under way.</summary>
    public int Interruptions { get; set; }

    public int HighestAttempt { get; set; }

    public HashSet<string> Ids { get; } = [];

    /// <summary>How often the store has recorded that the whole item completed.</summary>
    public int Completions { get; set; }

    /// <summary>The traces that were found, by where.</summary>
    public Dictionary<string, List<string>> Found { get; } = [];

    /// <summary>Its dead letters.</summary>
    public List<Letter> Letters { get; } = [];

    public IReadOnlyList<string> FoundIn(string place) => Found.GetValueOrDefault(place) ?? [];

    public void Find(string place, string trace)
    {
        if (!Found.TryGetValue(place, out List<string>? traces)) Found[place] = traces = [];
        traces.Add(trace);
    }
}

/// <summary>The accounts of all items, and what the last life said about its own books.</summary>
internal sealed class Accounts
{
    private readonly Dictionary<long, Account> known = [];

    /// <summary>What nodes remember, added up.</summary>
    public Tally Tally { get; set; }

    /// <summary>The numbers and ids of what has completed as a whole, in the order in which the store recorded it.</summary>
    public List<(long Number, string Id)> Ends { get; } = [];

    /// <summary>The ids of what was redriven, once at least.</summary>
    public HashSet<string> Redriven { get; } = [];

    public Account this[long number]
    {
        get
        {
            if (!known.TryGetValue(number, out Account? account)) known[number] = account = new();
            return account;
        }
    }

    public IEnumerable<KeyValuePair<long, Account>> All => known.OrderBy(one => one.Key);

    /// <summary>What the library says of itself: accepted, completed, skipped, dead, cancelled, unaccounted, split. Compared, never
    /// believed.</summary>
    public long[]? Claims { get; set; }

    /// <summary>What went wrong that is not about one item.</summary>
    public List<string> Problems { get; } = [];

    /// <summary>How many lives were killed, or killed themselves.</summary>
    public int KilledLives { get; set; }

    /// <summary>Whether dead letters were redriven.</summary>
    public bool IsCured { get; set; }
}

/// <summary>A dead letter: where it died, and what its node was given.</summary>
/// <param name="Node">Where.</param>
/// <param name="Trace">What; of a list, all with commas between them.</param>
/// <param name="IsOfCrashes">Whether it died of crashes: then nothing is divided.</param>
internal sealed record Letter(string Node, string Trace, bool IsOfCrashes)
{
    public bool WasToBeDivided => !IsOfCrashes && Trace.Contains(',', StringComparison.Ordinal);

    /// <summary>Whether a part is one of those that the letter stands for.</summary>
    public bool StandsFor(string part) => Trace.Length == 0
        || Trace.Split(',').Any(trace => part == trace || part.StartsWith($"{trace}.", StringComparison.Ordinal));
}
