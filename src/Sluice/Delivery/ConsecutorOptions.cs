namespace Sluice;

/// <summary>How a consecutor works. Immutable; the names of the stream and of the group are the consecutor's.</summary>
public sealed record ConsecutorOptions
{
    private const int MaxOfMember = StreamNames.MaxLength - 20;          // producers have names that begin with it

    private readonly int capacity = 4096;
    private readonly long maxOutputBytes = 64 << 20;
    private readonly int codeVersion;
    private readonly TimeSpan commitInterval;
    private readonly TimeSpan leaseTime = TimeSpan.FromSeconds(30);
    private readonly DeliveryGuarantee delivery = DeliveryGuarantee.Replay(3);
    private readonly StreamOptions stream = new();
    private readonly PayloadSerializers serializers = PayloadSerializers.Json;
    private readonly string member = MemberInstance.DefaultMember;
    private readonly RunOptions run = new();
    private readonly IReadOnlyList<StateChange> state = [];
    private readonly StateMemory stateMemory = StateMemory.Shared;

    /// <summary>
    /// Where accepted items are kept until they have ended. Null keeps them in this process only: they are followed, replayed and buried alike, but
    /// are gone with the consecutor. The consecutor does not dispose it.
    /// </summary>
    public IStreamStore? Store { get; init; }

    /// <summary>What is done for an accepted item; <c>Replay(3)</c> unless given.</summary>
    /// <exception cref="ArgumentNullException">Null.</exception>
    public DeliveryGuarantee Delivery
    {
        get => delivery;
        init => delivery = NotNull(value, nameof(Delivery));
    }

    /// <summary>How the consecutor's stream is made, where it is not there yet: partitions, bounds. 64 partitions unless given; one, if a node keeps state and items have no key.</summary>
    /// <exception cref="ArgumentNullException">Null.</exception>
    public StreamOptions Stream
    {
        get => stream;
        init => (stream, IsStreamGiven) = (NotNull(value, nameof(Stream)), true);
    }

    internal bool IsStreamGiven { get; private init; }

    /// <summary>How payloads are written and read; JSON unless given.</summary>
    /// <exception cref="ArgumentNullException">Null.</exception>
    public PayloadSerializers Serializers
    {
        get => serializers;
        init => serializers = NotNull(value, nameof(Serializers));
    }

    /// <summary>
    /// How many items may be under way at once, from lease to commit: 1 or more; 4,096 unless given. What else was accepted stays in the store.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Less than 1.</exception>
    public int MaxInFlight
    {
        get => capacity;
        init
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, 1, Property(nameof(MaxInFlight)));
            capacity = value;
        }
    }

    /// <summary>
    /// The most bytes that one item may put out into outputs that lead to other consecutors: 1 or more; 64 MiB unless given. Each entry counts with 100 bytes more than its payload. An item's outputs are in memory, twice for a
    /// moment, until they are committed. An item that puts out more becomes a dead letter that says so, and none of its outputs is committed.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Less than 1.</exception>
    public long MaxOutputBytes
    {
        get => maxOutputBytes;
        init
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, 1, Property(nameof(MaxOutputBytes)));
            maxOutputBytes = value;
        }
    }

    /// <summary>
    /// How long ended items may wait for others to share their commit. Zero unless given: then a commit begins when the one before it has ended, so
    /// that under load they grow by themselves. Longer intervals save writes, and cost repetitions after a crash. A stop does not wait for them.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative, or more than 49 days.</exception>
    public TimeSpan CommitInterval
    {
        get => commitInterval;
        init => commitInterval = Waits.Check(value, Property(nameof(CommitInterval)));
    }

    /// <summary>
    /// The name of this member, among those that share the work of one consecutor; made of machine, process and a random part unless given, so that it differs in each process. A second process
    /// that is alive under the same name is refused (<see cref="MemberInUseException"/>). Give a fixed name to a service that has one process under it at a time: it finds what its former
    /// process had when that has been silent for its lease time.
    /// </summary>
    /// <exception cref="ArgumentException">Null, empty, longer than 180 characters, or with control characters.</exception>
    public string InstanceId
    {
        get => member;
        init
        {
            StreamNames.Check(NotNull(value, nameof(InstanceId)), Property(nameof(InstanceId)), MaxOfMember);
            member = value;
        }
    }

    /// <summary>Whether no later start has the member's name.</summary>
    internal bool IsMemberUnique
    {
        get => field || member == MemberInstance.DefaultMember;
        init;
    }

    /// <summary>How long another member must have been silent before its partitions are taken; more than zero, 30 seconds unless given.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Zero or less, or more than 49 days.</exception>
    public TimeSpan LeaseDuration
    {
        get => leaseTime;
        init
        {
            ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(value, TimeSpan.Zero, Property(nameof(LeaseDuration)));
            leaseTime = Waits.Check(value, Property(nameof(LeaseDuration)));
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
            ArgumentOutOfRangeException.ThrowIfNegative(value, Property(nameof(CodeVersion)));
            codeVersion = value;
        }
    }

    /// <summary>What to do with an accepted entry that the store cannot read any more: its bytes were changed, or are gone. <see cref="DamagePolicy.Stop"/> unless given.</summary>
    public DamagePolicy OnDamage { get; init; }

    /// <summary>
    /// Called when a batch is complete that was sent to this consecutor, or to one whose outputs lead here (<see cref="Consecutor{T}.OpenBatchAsync"/>); null, and so not told, unless given. It is called at least once:
    /// the end of a batch is an entry of the stream, counted among the items, which is completed by the call, and is tried again, or dead, if it throws, as <see cref="Delivery"/> says. While items
    /// are processed, in no order with them, and by several threads.
    /// </summary>
    public Func<BatchCompleted, CancellationToken, ValueTask>? OnBatchCompleted { get; init; }

    /// <summary>
    /// Told what people should know and nothing fails of, from any thread. Unless given, warnings go to the event source <c>Sluice</c> and, each text once, to standard error.
    /// </summary>
    public Action<string>? OnWarning { get; init; }

    /// <summary>How the pipeline is run: mode, clock, scheduler, state, size of boundaries, seed, time to stop.</summary>
    /// <exception cref="ArgumentNullException">Null.</exception>
    public RunOptions Run
    {
        get => run;
        init => run = NotNull(value, nameof(Run));
    }

    /// <summary>What became of nodes that have stored state, and that the code does not have any more: renamed or dropped. Nothing unless given; then such state stops the start, and is listed.</summary>
    /// <exception cref="ArgumentNullException">Null.</exception>
    public IReadOnlyList<StateChange> State
    {
        get => state;
        init => state = [.. NotNull(value, nameof(State))];
    }

    /// <summary>The budget of the keyed state that is kept in memory; <see cref="StateMemory.Shared"/>, which all consecutors of the process share, unless given.</summary>
    /// <exception cref="ArgumentNullException">Null.</exception>
    public StateMemory StateMemory
    {
        get => stateMemory;
        init => stateMemory = NotNull(value, nameof(StateMemory));
    }

    /// <summary>Which consecutors are in its process. For tests, which have several in one.</summary>
    internal ExclusiveExecution Process { get; init; } = ExclusiveExecution.OfProcess;

    private static TValue NotNull<TValue>(TValue? value, string property) where TValue : class
        => value ?? throw new ArgumentNullException(Property(property), $"{Property(property)} cannot be null. Leave it out to have what is there unless given.");

    private static string Property(string name) => $"{nameof(ConsecutorOptions)}.{name}";
}
