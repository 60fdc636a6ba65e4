namespace Sluice;

/// <summary>What the parts of a consecutor share: the store, the books, what is under way, and who is to be told of what.</summary>
/// <remarks>Thread-safe. Nothing in here knows the type of the items.</remarks>
internal sealed partial class ConsecutorCore : ISinkBindings
{
    private volatile bool sinksWait;
    private readonly Lock sync = new();
    private readonly Dictionary<string, SinkBinding> sinks = new(StringComparer.Ordinal);
    private readonly CancellationTokenSource life = CancellationTokenSource.CreateLinkedTokenSource(CancellationToken.None);
    private volatile OwnedPartition[] owned = [];
    private volatile bool isLeasing;
    private volatile bool isOpen;
    private volatile bool isInputComplete;
    private int inFlight;
    private long hasEnded;
    private int version;
    private volatile StreamOptions? stored;          // of its stream, once they are known

    public ConsecutorCore(string name, ConsecutorOptions options, IStreamStore store, Pipeline pipeline, TopologyRecorder recorder)
    {
        (Name, Options, Given, Recorder) = (name, options, store, recorder);
        GivenUp = givingUp.Token;
        Store = new CancellableStore(store, GivenUp);
        Group = new(name, name);
        StateSerializers = options.Serializers.Plain;
        Ended = new(ToCommit);
        Roots = new(Ended);
        State = new(name, recorder, options.State);
        StateCheck = new(this);
        Nodes = new(recorder, State);
        Committer = new(this);
        Members = new(this);
        Losses = new(this);
        Stopped = new(this);
        Sends = new(this);
        (Commits, Leases) = (new(Time), new(Time));
        Outputs = new(this);
        (KeepsState, KeepsTime, KeepsTimers) = (recorder.KeepsState, recorder.KeepsTime, recorder.States.Values.Any(static state => state.HasTimers));
        if (KeepsState) Epochs = new(this);
        Alone = new(options.Process, this);
        Entrances = new(this, pipeline);
    }

    public string Name { get; }

    public ConsecutorOptions Options { get; }

    /// <summary>Whether stages remember something.</summary>
    public bool KeepsState { get; }

    /// <summary>Whether some of them act when time has passed.</summary>
    public bool KeepsTime { get; }

    /// <summary>Whether nodes set timers.</summary>
    public bool KeepsTimers { get; }

    /// <summary>What is to be run together, and what is over; null where items go through one by one.</summary>
    public Epochs? Epochs { get; private set; }

    /// <summary>The function that makes the key of an item; null where there are no keys.</summary>
    public Delegate? KeyOf { get; private set; }

    /// <summary>What is put out by name, and where it goes.</summary>
    public NamedOutputs Outputs { get; }

    /// <summary>The longest payload with headers, in bytes, that its stream takes: known when it is open, as the stream may be older than the options.</summary>
    public int MaxEntryBytes => (stored ?? Stream).MaxEntryBytes;

    /// <summary>How many partitions its stream has; known when it is open, too.</summary>
    public int Partitions => (stored ?? Stream).Partitions;

    /// <summary>Whether the stream was opened.</summary>
    public bool IsOpen => isOpen;

    public bool IsKeyed => KeyOf is not null;

    /// <summary>Whether nothing is accepted any more, as far as is known here.</summary>
    public bool IsInputComplete
    {
        get => isInputComplete;
        set => isInputComplete = value;
    }

    /// <summary>Whether what its stages held was put out, if the input is complete; as far as its partitions are here.</summary>
    public bool HasEnded => !isInputComplete || !KeepsState || Array.TrueForAll(owned, partition => partition.Scope!.HasEnded);

    /// <summary>How state is written and read: without layers, so that rows can be migrated.</summary>
    public PayloadSerializers StateSerializers { get; }

    /// <summary>The store, whose calls end when their token is cancelled or the store is given up, whatever it does.</summary>
    public IStreamStore Store { get; }

    /// <summary>The store as it was given: for sinks, and to know it again.</summary>
    public IStreamStore Given { get; }

    public TopologyRecorder Recorder { get; }

    public NodeTable Nodes { get; }

    /// <summary>What the nodes remember, and what becomes of what others have remembered.</summary>
    public StatePlan State { get; }

    public StateCheck StateCheck { get; }

    public GroupId Group { get; }

    public TimeProvider Time => Options.Run.Time;

    public Random Random { get; } = Random.Shared;

    public ItemLedger Books { get; } = new();

    /// <summary>Set when roots have ended, or when the committer is to end.</summary>
    public Signal ToCommit { get; } = new();

    public EndedRoots Ended { get; }

    public RootPool Roots { get; }

    /// <summary>Cancelled when everything is to be dropped.</summary>
    public CancellationToken Life => life.Token;

    public IReadOnlyCollection<SinkBinding> Sinks
    {
        get { lock (sync) return [.. sinks.Values]; }
    }

    /// <summary>Whether the sinks wait for partitions whose owner may be dead. Until the sinks have begun, no item starts and nothing is committed.</summary>
    public bool SinksWait
    {
        get => sinksWait;
        set
        {
            sinksWait = value;
            Changed();
        }
    }

    /// <summary>The partitions that this member has. Replaced as a whole.</summary>
    public OwnedPartition[] Owned => owned;

    /// <summary>Where the present run serializes and takes in what belongs to a node.</summary>
    public ItemTracking? Following { get; set; }

    /// <summary>Where accepted items wait if they are in no store; else null.</summary>
    public object? Local { get; set; }

    /// <summary>Wakes whoever hands out work.</summary>
    public Action? WakePump { get; set; }

    /// <summary>Counts what may concern whoever hands out work: room, pauses, partitions.</summary>
    public int Version => Volatile.Read(ref version);

    public int InFlight => Volatile.Read(ref inFlight);

    public bool IsLeasing
    {
        get => isLeasing;
        set
        {
            isLeasing = value;
            Changed();
        }
    }

    /// <summary>Open while appends may be counted.</summary>
    public SharedGate Accepting { get; } = new();

    /// <summary>What has been sent and is not answered yet.</summary>
    public PendingSends Sends { get; }

    public Committer Committer { get; }

    public GroupMembership Members { get; }

    public StoreLossRecovery Losses { get; }

    /// <summary>What stands still because of damage.</summary>
    public StoppedPartitions Stopped { get; }

    /// <summary>Since when commits are not answered.</summary>
    public Answers Commits { get; }

    /// <summary>Since when nothing is given out.</summary>
    public Answers Leases { get; }

    public EntranceRun Entrances { get; }

    /// <summary>This consecutor among those of the process.</summary>
    public ExclusiveExecution.Guest Alone { get; }

    /// <summary>How many roots were committed, or given up.</summary>
    public long EndedRoots => Interlocked.Read(ref hasEnded);

    /// <summary>Woken when nothing is under way any more.</summary>
    public Signal Quiet { get; } = new();

    /// <summary>The same, for whoever loads everything anew.</summary>
    public Signal Emptied { get; } = new();

    /// <summary>Opens the stream and the group; after the first time it does nothing, unless it is to be done again.</summary>
    public async ValueTask OpenAsync(CancellationToken cancellation, bool again = false)
    {
        if (isOpen && !again) return;
        await OpenStreamAsync(cancellation).ConfigureAwait(false);
        await Outputs.OpenAsync(cancellation).ConfigureAwait(false);
        if (!isOpen) Losses.Begin();
        isOpen = true;
    }

    /// <summary>Opens its own stream and group, for others that put something in.</summary>
    public async ValueTask OpenStreamAsync(CancellationToken cancellation)
    {
        StreamInfo stream = await Store.OpenStreamAsync(Name, Stream, cancellation).ConfigureAwait(false);
        stored = stream.Options;
        IsInputComplete |= stream.End is not null;
        await Store.AddGroupAsync(Group, StreamStart.First, cancellation).ConfigureAwait(false);
    }

    /// <summary>Called once when something has failed that is not about an item.</summary>
    public Action<Exception>? Failed { get; set; }

    /// <summary>How the stream is made: with one partition where something is remembered of all items, and nothing else was asked for.</summary>
    public StreamOptions Stream => Options.IsStreamGiven || !KeepsState || IsKeyed ? Options.Stream : new() { Partitions = 1 };

    /// <summary>Called before anything else. With keys, their order holds through failures, so items go through in epochs.</summary>
    public void SetKey(Delegate? key)
    {
        KeyOf = key;
        if (key is not null && Local is null) Epochs ??= new(this);
    }

    public void Begin(int roots) => Interlocked.Add(ref inFlight, roots);

    /// <summary>Roots are committed, or given up.</summary>
    public void End(int roots)
    {
        Interlocked.Add(ref hasEnded, roots);
        if (Interlocked.Add(ref inFlight, -roots) == 0)
        {
            Quiet.Set();
            Emptied.Set();
            Books.Touch();
        }
        Changed();
    }

    public void Changed()
    {
        Interlocked.Increment(ref version);
        WakePump?.Invoke();
    }

    public void Own(IReadOnlyList<OwnedPartition> taken)
    {
        lock (sync) owned = [.. owned.Where(partition => taken.All(other => other.Number != partition.Number)), .. taken.Where(static partition => !partition.IsVoid)];
        Changed();
        Books.Touch();                               // whoever waits, and has seen others at work, looks again: there may be none now
    }

    /// <summary>A partition is somebody else's now, or must be loaded anew.</summary>
    public void Lose(OwnedPartition partition)
    {
        Books.Void(partition);
        lock (sync) owned = [.. owned.Where(other => other != partition)];
        Epochs?.Drop(partition);
        partition.Scope?.Retire();
        Changed();
    }

    public SinkBinding<T> Bind<T>(string node, Func<SinkBinding<T>> make)
    {
        lock (sync)
        {
            if (!sinks.TryGetValue(node, out SinkBinding? known)) sinks.Add(node, known = make());
            return (SinkBinding<T>)known;
        }
    }
}
