namespace Sluice;

/// <summary>How a consecutor works. Immutable; the names of the stream and of the group are the consecutor's.</summary>
public sealed record ConsecutorOptions
{
    private readonly int capacity = 4096;
    private readonly int codeVersion;
    private readonly TimeSpan commitInterval;
    private readonly TimeSpan leaseTime = TimeSpan.FromSeconds(30);

    /// <summary>
    /// Where accepted items are kept until they have ended. Null keeps them in this process only: they are followed, replayed and buried alike, but
    /// are gone with the consecutor. The consecutor does not dispose it.
    /// </summary>
    public IStreamStore? Store { get; init; }

    /// <summary>What is done for an accepted item; <c>Replay(3)</c> unless given.</summary>
    public Delivery Delivery { get; init; } = Delivery.Replay(3);

    /// <summary>How the consecutor's stream is made, where it is not there yet: partitions, bounds. 64 partitions unless given.</summary>
    public StreamOptions Stream { get; init; } = new();

    /// <summary>How payloads are written and read; JSON unless given.</summary>
    public PayloadSerializers Serializers { get; init; } = PayloadSerializers.Json;

    /// <summary>
    /// How many items may be under way at once, from lease to commit: 1 or more; 4,096 unless given. What else was accepted stays in the store.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Less than 1.</exception>
    public int Capacity
    {
        get => capacity;
        init
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, 1, nameof(Capacity));
            capacity = value;
        }
    }

    /// <summary>
    /// How long ended items may wait for others to share their commit. Zero unless given: then a commit begins when the one before it has ended, so
    /// that under load they grow by themselves. Longer intervals save writes, and cost repetitions after a crash.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative, or more than 49 days.</exception>
    public TimeSpan CommitInterval
    {
        get => commitInterval;
        init => commitInterval = Waits.Check(value, nameof(CommitInterval));
    }

    /// <summary>
    /// Who this is, among those that share the work of one consecutor; the machine's name unless given. Whoever starts under a name takes at once what
    /// an earlier holder of it had; from others, only when they have been silent for the lease time.
    /// </summary>
    public string Member { get; init; } = Environment.MachineName;

    /// <summary>How long another member must have been silent before its partitions are taken; more than zero, 30 seconds unless given.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Zero or less, or more than 49 days.</exception>
    public TimeSpan LeaseTime
    {
        get => leaseTime;
        init
        {
            ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(value, TimeSpan.Zero, nameof(LeaseTime));
            leaseTime = Waits.Check(value, nameof(LeaseTime));
        }
    }

    /// <summary>
    /// The version of this code, stored with every payload: zero or more, zero unless given. A partition that newer code has committed to is left alone, and an item that newer
    /// code has sent is parked until code of its version starts.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative.</exception>
    public int CodeVersion
    {
        get => codeVersion;
        init
        {
            ArgumentOutOfRangeException.ThrowIfNegative(value, nameof(CodeVersion));
            codeVersion = value;
        }
    }

    /// <summary>How the pipeline is run: mode, clock, scheduler, state, capacity of boundaries, seed, grace.</summary>
    public RunOptions Run { get; init; } = new();

    /// <summary>Which consecutors are in its process. For tests, which have several in one.</summary>
    internal Solitude Process { get; init; } = Solitude.OfProcess;
}
