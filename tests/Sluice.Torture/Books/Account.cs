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

    /// <summary>The traces in the store's stream of results.</summary>
    public List<string> Records { get; } = [];

    /// <summary>The traces in the file.</summary>
    public List<string> FileLines { get; } = [];

    /// <summary>Its dead letters: the node and the trace.</summary>
    public List<string> Letters { get; } = [];
}

/// <summary>The accounts of all items, and what the last life said about its own books.</summary>
internal sealed class Accounts
{
    private readonly Dictionary<long, Account> known = [];

    public Account this[long number]
    {
        get
        {
            if (!known.TryGetValue(number, out Account? account)) known[number] = account = new();
            return account;
        }
    }

    public IEnumerable<KeyValuePair<long, Account>> All => known.OrderBy(one => one.Key);

    /// <summary>What the library says of itself: accepted, completed, skipped, dead, cancelled, unaccounted, split. Compared, never believed.</summary>
    public long[]? Claims { get; set; }

    /// <summary>What went wrong that is not about one item.</summary>
    public List<string> Problems { get; } = [];

    /// <summary>How many lives were killed, or killed themselves.</summary>
    public int KilledLives { get; set; }

    /// <summary>Whether dead letters were redriven.</summary>
    public bool IsCured { get; set; }
}
