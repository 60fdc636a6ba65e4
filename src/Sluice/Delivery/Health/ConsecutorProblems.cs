using Sluice.Diagnostics;

namespace Sluice.Delivery;

/// <summary>The reasons why a consecutor does not work, or works only in part, as texts for people.</summary>
/// <remarks>
/// Thread-safe: each reason is one volatile field. The part that finds a reason sets it; the part that knows when the reason is over
/// clears it. Locking rule: <c>sync</c> guards since when no commit is made, and what was told of parked
/// items; nothing is called under it.
/// </remarks>
/// <param name="name">The consecutor.</param>
/// <param name="time">Its time.</param>
/// <param name="warn">Writes a warning.</param>
/// <param name="stopped">The partitions that stand still.</param>
/// <param name="ofRounds">Reads the problem of the rounds; null if there is none.</param>
internal sealed class ConsecutorProblems(string name, TimeProvider time, Action<string> warn, StoppedPartitions stopped,
    Func<string?> ofRounds)
{
    /// <summary>The time without a commit after which a warning is written. Most failures of a commit are over before.</summary>
    public static readonly TimeSpan Quiet = TimeSpan.FromSeconds(10);

    private const int MaxToldParked = 16;

    private readonly Lock sync = new();
    private readonly HashSet<string> toldParked = [];
    private long? since;                             // the first of the commits in a row that were not made
    private bool isTold;
    private volatile string? latest;
    private volatile string? atEnd;
    private volatile string? ofCommits;
    private volatile string? ofHeartbeats;
    private volatile string? ofSharing;
    private volatile string? ofSuspects;
    private volatile string? newer;
    private volatile string? parked;

    /// <summary>The most important reason; null if the consecutor works. A write sets the latest reason.</summary>
    public string? Latest
    {
        get => With(stopped.All);
        set => latest = value;
    }

    /// <summary>The reason at a moment at which these partitions stand still, so that a snapshot reads the partitions once.</summary>
    public string? With(IReadOnlyList<StoppedPartition> stopped)
        => atEnd ?? ofCommits ?? latest ?? ofHeartbeats ?? ofSharing ?? ofSuspects
            ?? StoppedPartitions.Describe(stopped) ?? ofRounds() ?? newer;

    /// <summary>Why the consecutor has failed. Nothing clears it: calls that were under way may end later, and clear other
    /// reasons.</summary>
    public string? AtEnd { set => atEnd = value; }

    /// <summary>The reason why the store was not asked for the group. Only the heartbeats clear it: a consecutor without items makes no
    /// other calls.</summary>
    public string? OfHeartbeats { set => ofHeartbeats = value; }

    /// <summary>The reason why partitions were not shared, or the items of others not counted. The next heartbeat tries again, and clears
    /// it.</summary>
    public string? OfSharing { set => ofSharing = value; }

    /// <summary>The member that this one waits for before it may run its suspects. The pump sets and clears it.</summary>
    public string? OfSuspects { set => ofSuspects = value; }

    /// <summary>
    /// The partition that newer code has written and this code leaves alone; null if there is none. Commits of other partitions do not
    /// clear it.
    /// </summary>
    public string? Newer { set => newer = value; }

    /// <summary>
    /// The reason why the next commit is not made. Only the sender of commits clears it: leases may succeed meanwhile. If it lasts, a
    /// warning says so, and a second warning says when a commit succeeds again.
    /// </summary>
    public string? OfCommits
    {
        get => ofCommits;
        set
        {
            if (value is null && ofCommits is null) return;
            ofCommits = value;
            if (Tell(value) is { } warning) warn(warning);
        }
    }

    /// <summary>Clears the reason although no commit has succeeded: the commit is given up, and so nothing goes on.</summary>
    public void GiveUpCommit()
    {
        lock (sync) (since, isTold) = (null, false);
        ofCommits = null;
    }

    private string? Tell(string? problem)
    {
        lock (sync)
        {
            TimeSpan lasted = since is { } first ? time.GetElapsedTime(first) : TimeSpan.Zero;
            if (problem is null)
            {
                bool wasTold = isTold;
                (since, isTold) = (null, false);
                return wasTold ? string.Create(CultureInfo.InvariantCulture,
                    $"The consecutor {name} goes on, after it stood still for {lasted.TotalSeconds:0} s.") : null;
            }
            since ??= time.GetTimestamp();
            if (isTold || lasted < Quiet) return null;
            isTold = true;
            return string.Create(CultureInfo.InvariantCulture, $"The consecutor {name} has stood still for {lasted.TotalSeconds:0} s. "
                + $"{problem} When the reason is gone, it goes on by itself; nothing is lost.");
        }
    }

    /// <summary>Why the item that was parked last is parked; null if none was. Each of the first reasons is a warning, once.</summary>
    public string? Parked
    {
        get => parked;
        set
        {
            parked = value;
            if (value is null) return;
            lock (sync)
                if (toldParked.Count == MaxToldParked || !toldParked.Add(value)) return;
            warn($"Items of the consecutor {name} are put aside, and others go on. {value}");
        }
    }
}
