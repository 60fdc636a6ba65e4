using Sluice.Membership;
using Sluice.Scheduling;

namespace Sluice.Delivery;

/// <summary>The objects that a consecutor consists of, made and connected. Each object has one job, and its own locking rule.</summary>
/// <remarks>
/// Thread-safe: the objects are made by the constructor, in an order in which each finds those that it uses. Nothing in here knows the
/// type of the items.
/// </remarks>
internal sealed class ConsecutorCore : ISinkBindings, ITransactionOwner
{
    private volatile bool isOpen;
    private int pausing;                             // calls of this process that pause or resume the group

    public ConsecutorCore(string name, ConsecutorOptions options, IStreamStore store, Pipeline pipeline, TopologyRecorder recorder)
    {
        Identity = new(name, options, recorder);
        Given = store;
        Telemetry = new(name, Time);
        Lifetime = new(name, options, Drop);
        UnknownMembers = new(name, Lifetime.Warn);
        Store = new CancellableStore(store, Lifetime.GivenUp);
        Stream = new(Group, options, KeepsState, Store);
        InFlight = new(Ledger, Pump);
        Partitions = new(Ledger, InFlight, Pump) { Lost = partition => Rounds?.Drop(partition), LeavingChanged = () => Members!.LetGo() };
        Sinks = new(Pump, recorder);
        Ended = new(ToCommit);
        Roots = new(Ended, Telemetry);
        State = new(name, recorder, options.State, () => Stream.IsKeyed);
        StateCheck = new(Identity, Store, State);
        Nodes = new(recorder, node => State.TryFollow(node, out string? to) ? to : null,
            node => State.TryFollow(node, out string? to) && to is null);
        Versions = new(options.CodeVersion, Nodes, options.OnBatchCompleted is not null);
        Stopped = new(name, Time, Ledger, Pump, Lifetime);
        Problems = new(name, Time, Lifetime.Warn, Stopped, () => Rounds?.Problem);
        LetterLimit = new(Identity, Store, Ledger, Lifetime, Problems);
        (Commits, Leases) = (new(Time), new(Time));
        Alone = new(options.Process, InFlight, Pump, options.LeaseDuration, Time, () => Rounds is not { AreOver: false });
        Recovery = new(this);
        Failures = new(Identity, Nodes, Lifetime, () => Following);
        LetterBuilder = new(Identity, Nodes, Stream, () => Following);
        CommitWait = new(this);
        Committer = new(this);
        Members = new(this);
        Sends = new(name, Time, Ledger, InFlight);
        RoomTurns = new(Time);
        Outputs = new(this);
        Listeners = new(this);
        if (KeepsState) Rounds = new(this);
        Entrances = new(this, pipeline);
        EntranceTurns = new(Entrances, InFlight, recorder.CountsOnOneRun, Time);
    }

    public ConsecutorIdentity Identity { get; }

    public string Name => Identity.Name;

    public ConsecutorOptions Options => Identity.Options;

    public GroupId Group => Identity.Group;

    public TimeProvider Time => Identity.Time;

    public Random Random => Identity.Random;

    public TopologyRecorder Recorder => Identity.Recorder;

    public bool KeepsState => Identity.KeepsState;

    public bool KeepsTime => Identity.KeepsTime;

    public bool KeepsTimers => Identity.KeepsTimers;

    public PayloadSerializers StateSerializers => Identity.StateSerializers;

    public UnknownMembers UnknownMembers { get; }

    /// <summary>The nodes of the pipeline by name.</summary>
    public NodeTable Nodes { get; }

    /// <summary>Finds the items that need other code.</summary>
    public CodeVersionGate Versions { get; }

    /// <summary>The store, whose calls end when their token is cancelled or the store is given up.</summary>
    public IStreamStore Store { get; }

    /// <summary>The store as the user gave it: for sinks, and to recognize the store.</summary>
    public IStreamStore Given { get; }

    /// <summary>Its metrics and spans.</summary>
    public ConsecutorTelemetry Telemetry { get; }

    /// <summary>What metrics see of it while it runs.</summary>
    public ObservedConsecutor Observed => field ??= new(this);

    public ConsecutorStream Stream { get; }

    public ConsecutorLifetime Lifetime { get; }

    public ConsecutorProblems Problems { get; }

    /// <summary>Where every accepted item is.</summary>
    public ItemLedger Ledger { get; } = new();

    /// <summary>The reasons to count the ledger anew.</summary>
    public LedgerDoubts Doubts { get; } = new();

    public ItemsInFlight InFlight { get; }

    /// <summary>Wakes the pump.</summary>
    public PumpSignal Pump { get; } = new();

    /// <summary>The partitions that this member owns.</summary>
    public OwnedPartitions Partitions { get; }

    /// <summary>The partitions that stand still because of damage.</summary>
    public StoppedPartitions Stopped { get; }

    /// <summary>Decides which items run in one round; null if items go through one by one.</summary>
    public Rounds? Rounds { get; private set; }

    /// <summary>Which nodes keep state, in which shape.</summary>
    public StatePlan State { get; }

    /// <summary>Compares the stored state with the code.</summary>
    public StateCheck StateCheck { get; }

    /// <summary>The named outputs, and where they lead.</summary>
    public NamedOutputs Outputs { get; }

    /// <summary>Who is told of the ends of batches.</summary>
    public BatchListeners Listeners { get; }

    public SinkBindings Sinks { get; }

    /// <summary>Set when roots have ended, or when the committer is to end.</summary>
    public Signal ToCommit { get; } = new();

    /// <summary>The roots that have ended, on their way to the committer.</summary>
    public EndedRoots Ended { get; }

    public RootPool Roots { get; }

    /// <summary>The last failure of an item, and the warnings of failures.</summary>
    public ItemFailures Failures { get; }

    /// <summary>Builds dead letters.</summary>
    public DeadLetterBuilder LetterBuilder { get; }

    public Committer Committer { get; }

    /// <summary>How long ended items wait for others that share their commit.</summary>
    public CommitWait CommitWait { get; }

    /// <summary>Deletes the oldest dead letters, if only the latest are kept.</summary>
    public LetterLimit LetterLimit { get; }

    public GroupMembership Members { get; }

    public StoreLossRecovery Recovery { get; }

    /// <summary>The losses of the store that were noticed.</summary>
    public IStoreLosses Losses => Recovery;

    /// <summary>Measures how long commits are not answered.</summary>
    public CallSilenceTracker Commits { get; }

    /// <summary>Measures how long leases are not answered.</summary>
    public CallSilenceTracker Leases { get; }

    /// <summary>The run for items that enter at a node in the middle.</summary>
    public EntranceRun Entrances { get; }

    /// <summary>The turns of such items, where items go through one by one.</summary>
    public EntranceTurns EntranceTurns { get; }

    /// <summary>This consecutor's part in exclusive execution.</summary>
    public ExclusiveExecution.Participant Alone { get; }

    /// <summary>Open while appends may be counted.</summary>
    public SharedGate Accepting { get; } = new();

    /// <summary>The turns of requests that wait for room.</summary>
    public RoomTurns RoomTurns { get; }

    /// <summary>The sends that are not answered yet.</summary>
    public PendingSends Sends { get; }

    /// <summary>Where the present run tracks items; null before the start.</summary>
    public ItemTracking? Following { get; set; }

    /// <summary>Where accepted items wait that are in no store; null if items are in a store.</summary>
    public object? Local { get; set; }

    /// <summary>Whether the stream was opened.</summary>
    public bool IsOpen => isOpen;

    /// <summary>
    /// Whether no stage holds items back for the end of the input, or the input is not complete; as far as its partitions are here.
    /// </summary>
    public bool HasEnded => !Stream.IsInputComplete || !KeepsState
        || Array.TrueForAll(Partitions.Owned, static partition => partition.Scope!.HasEnded);

    /// <summary>Opens the stream, the group and the outputs. Does nothing after the first time, unless told to do so again.</summary>
    public async ValueTask OpenAsync(CancellationToken cancellation, bool again = false)
    {
        if (isOpen && !again) return;
        await Stream.OpenAsync(cancellation).ConfigureAwait(false);
        await Outputs.OpenAsync(cancellation).ConfigureAwait(false);
        // The end of a batch may come before a listener starts: a marker for a stream that is not there is dropped.
        foreach (ConsecutorCore listener in Listeners.All) await listener.Stream.OpenAsync(cancellation).ConfigureAwait(false);
        if (!isOpen) Recovery.Begin();
        isOpen = true;
    }

    /// <summary>Sets the key of items. Called before anything else. The order of a key holds through failures, so items go through in
    /// rounds. Under <see cref="DeliveryLevel.None"/> no item is tried again: they start in the order of their leases.</summary>
    public void SetKey(Delegate? key)
    {
        Stream.KeyOf = key;
        if (key is not null && Local is null && Options.Delivery.Level != DeliveryLevel.None) Rounds ??= new(this);
    }

    /// <summary>A call of this process begins to pause or resume the group: a pause is no surprise until <see cref="EndPausing"/>.
    /// </summary>
    public void BeginPausing() => Interlocked.Increment(ref pausing);

    public void EndPausing() => Interlocked.Decrement(ref pausing);

    /// <summary>Notes that the store is about to be asked.</summary>
    public StoreQuestion Ask() => new(Time.GetTimestamp(), Pump.Ask());

    /// <summary>Notes whether the store says that the group is paused, and warns when a pause begins.</summary>
    /// <param name="at">When it was paused; null if it is not.</param>
    /// <param name="question">The number of the question that the store has answered.</param>
    /// <returns>Whether that is new.</returns>
    public bool LearnPause(DateTimeOffset? at, long question)
    {
        if (!Pump.LearnPause(at, question)) return false;
        Ledger.Touch();
        InFlight.Quiet.Set();                        // a stop does not wait for items that a pause keeps from beginning
        if (at is not { } since || Volatile.Read(ref pausing) > 0) return true;
        Lifetime.Warn($"{Name} is paused since {since:u}: it accepts items, and begins none until somebody resumes it "
            + "(Consecutor.ResumeAsync, the dashboard, or `sluice resume`).");
        return true;
    }

    /// <summary>Gives up a partition whose stored state is damaged. Any thread.</summary>
    public void StandStill(OwnedPartition partition, string damage)
    {
        Stopped.Stop(partition.Number, partition.Owner.Epoch, damage);
        Partitions.Lose(partition);
        _ = Members.TryReleaseAsync(partition).Observed();
    }

    /// <summary>A change of the store has been answered and counted, or has failed.</summary>
    public void EndChange(LedgerChange change)
    {
        if (!Ledger.EndChange(change)) Doubts.Add();
        Ledger.Touch();
    }

    /// <summary>Drops everything: all that wait give up. Throws nothing: also called by a timer.</summary>
    public void Drop()
    {
        Pump.IsLeasing = false;
        Lifetime.End();
        foreach (OwnedPartition partition in Partitions.Owned) partition.Scope?.Retire();
        Alone.Leave();
        ToCommit.Set();
        InFlight.Quiet.Set();
    }

    /// <inheritdoc/>
    public SinkBinding<T> Bind<T>(string node, Func<SinkBinding<T>> make) => Sinks.Bind(node, make);

    /// <inheritdoc/>
    public void CheckTransaction(string node, Type transaction, Ticket ticket)
    {
        IStreamStore store = Given.Root;
        if (store.TransactionType != transaction)
            throw new InvalidOperationException(
                $"{node} of {Name} asks for the transaction of its item's commit as a {TypeNames.Of(transaction)}, and the store "
                    + $"({TypeNames.Of(store.GetType())}) has {(store.TransactionType is { } other ? $"a {TypeNames.Of(other)}" : "none")}."
                    + $" {(store.TransactionType is null ? "Use a store that has one (SQLite, PostgreSQL)"
                    : "Ask for the transaction of the store")}, "
                    + "or write with ItemContext.Id as the key, so that a repetition does no harm.");
        if (((Root)ticket.Whole).IsFree)
            throw new InvalidOperationException(
                $"{node} of {Name} asks for the transaction of its item's commit, and with DeliveryGuarantee.None an item is settled "
                    + "before it starts. Choose another guarantee.");
    }

    /// <inheritdoc/>
    public void Keep(int node, TransactionWork work, Ticket ticket) => ((Root)ticket.Whole).Stage(new TransactionPart(node, work));
}
