using System.Diagnostics;
using Sluice.Diagnostics;

namespace Sluice.Delivery;

/// <summary>The ticket of an accepted item, from its lease to its commit.</summary>
/// <remarks>
/// The pump fills it. Any thread of the run stages parts on it and fails it. When nothing of it is outstanding it belongs to the
/// committer, which returns it to the pool.
/// </remarks>
internal sealed class Root(RootPool pool, EndedRoots ended, ConsecutorTelemetry telemetry) : Ticket(isFollowed: true), IStacked<Root>
{
    private PartFailure? failures;
    private StagedPart? staged;
    private Reservation? reservations;
    private EntryHeaders headers;
    private string? id;
    private string? key;
    private long outputBytes;
    private volatile bool hasTooMuch;
    private Activity? trace;
    private long began;
    private bool isWatched;

    public OwnedPartition Partition { get; private set; } = null!;

    public long EntrySequence { get; private set; }

    /// <summary>The number of this start, from 1.</summary>
    public int Attempt { get; private set; }

    public int Generation { get; private set; }

    /// <summary>Whether it was settled before its start (<see cref="DeliveryLevel.None"/>), so that no commit depends on its end.</summary>
    public bool IsFree { get; set; }

    /// <summary>The damage of its entry; null if the entry can be read.</summary>
    public LeaseDamage? Damage { get; set; }

    /// <summary>Whether an earlier owner has sealed it: it does not run, and its pieces are published (<see cref="Spiller"/>).</summary>
    public bool IsSpilled { get; private set; }

    /// <summary>Why it is put aside without a start; null if it is not.</summary>
    public string? Park { get; set; }

    /// <summary>The number of the node at which it enters in the middle; null if it enters at the source.</summary>
    public int? Entrance { get; set; }

    /// <summary>The next root on its stack.</summary>
    public Root? Next { get; set; }

    public ref readonly EntryHeaders Headers => ref headers;

    /// <summary>The round of the root; null if items go through one by one.</summary>
    public Round? Round { get; private set; }

    /// <summary>The number of the root in its round, in the order of starts.</summary>
    public int RoundNumber { get; private set; }

    /// <summary>The entry of the root in its round; null for an emission of a stage.</summary>
    public RoundItem? Item { get; set; }

    /// <summary>The emission that it stands for, if a stage that holds or combines items has put it out; else null.</summary>
    public Emission? Emission { get; private set; }

    /// <summary>Whether it is put aside behind another item of its key.</summary>
    public bool IsBehind { get; set; }

    /// <inheritdoc/>
    public override bool TryHoldBack()
    {
        if (Round is not { } round || !round.IsBehindFailed(this)) return false;
        (Park, IsBehind) = ("It waits for an item of its key that has failed and is to be tried again.", true);
        return true;
    }

    /// <summary>Whether a stage may have changed its state because of it.</summary>
    public bool IsTouched { get; private set; }

    /// <inheritdoc/>
    public override Activity? Trace => trace;

    /// <summary>The key that the item was accepted with; null if it has none.</summary>
    public string? Key => key ?? headers.Key;

    /// <summary>Whether code without keys has stored the entry, and its item enters where the key cannot be computed any more.</summary>
    public bool LacksKey { get; set; }

    public override string StateKey => Key ?? (!LacksKey || Partition.Count == 1 ? "" : throw new InvalidOperationException(
        "The item enters in the middle of the pipeline, and was accepted by code that did not know its key (Consecutor.Key): its state "
            + "cannot be found. Send it again."));

    public override string Id => id ??= headers.Id ?? Emission?.IdIn(Partition, Generation)
        ?? new EntryId(Generation, Partition.Owner.Group.Stream, Partition.Number, EntrySequence).ToString();

    public override bool IsPartOfList => headers.Part is { Count: > 1 };

    public override int EarlierAttempts => Attempt - 1;

    /// <summary>The failures of its parts, the newest first.</summary>
    public PartFailure? Failures => failures;

    /// <summary>Whether it has failed, and each failure is of a list that is to be divided. Then it has ended: its halves go on, and its
    /// effects are kept.</summary>
    public bool IsDivisible
    {
        get
        {
            if (failures is null) return false;
            for (PartFailure? failure = failures; failure is not null; failure = failure.Next)
                if (!failure.IsDivisible) return false;
            return true;
        }
    }

    // A part of a list that has failed where the list did: it is started once, and divided further.
    private bool IsPartToDivide => IsPartOfList && IsDivisible && failures!.Next is null && failures.Cause.Index == Entrance;

    public StagedPart? Staged => staged;

    /// <summary>The reserved places for its outputs. It keeps them when its staged parts are dropped.</summary>
    public Reservation? Reservations => Volatile.Read(ref reservations);

    /// <summary>Whether its outputs exceed the limit of an item.</summary>
    public bool HasTooMuch => hasTooMuch;

    /// <summary>Whether places are reserved for the root, or for its round.</summary>
    public bool HasPlaces => Reservations is not null || Round is { HasPlaces: true };

    public void Begin(OwnedPartition partition, in Entry entry, in EntryHeaders known, long number)
    {
        (Partition, EntrySequence, Attempt, Generation, headers) = (partition, entry.Sequence, entry.Attempt, entry.Generation, known);
        Open(number);
    }

    /// <summary>Begins the telemetry of the attempt, just before the pipeline gets the item. Without a listener: two tests.</summary>
    public void BeginWork()
    {
        if (telemetry.IsProcessingTimed) (began, isWatched) = (telemetry.Now, true);
        if (headers.Trace is { } sender) Watch(ItemSpans.BeginProcess(telemetry, this, sender));
    }

    private void Watch(Activity? span)
    {
        if ((trace = span) is null) return;
        ended.Spans.Add(span!);
        isWatched = true;
    }

    private void EndWork()
    {
        Exception? failure = failures?.Cause.InnerException ?? failures?.Cause;
        telemetry.Processed(began, failure is null ? null : TelemetryNames.ErrorOf(failure));
        if (trace is not null) ended.Spans.End(trace, failure);
        (began, isWatched) = (0, false);
    }

    /// <summary>Ends it at once if an earlier owner has sealed it.</summary>
    public bool TrySpill()
    {
        if (Partition.FindSpill(EntrySequence) is null) return false;
        IsSpilled = true;
        Settle(Outcome.Skipped);
        return true;
    }

    /// <summary>Adds the root to a round.</summary>
    public Root Join(Round round)
    {
        (Round, RoundNumber) = (round, round.Add());
        return this;
    }

    /// <summary>Makes it stand for a stage that acts because its time has come.</summary>
    public Root BeginTick(OwnedPartition partition)
    {
        (Partition, Attempt) = (partition, 1);
        Open(0);
        return this;
    }

    public void BeginEmission(OwnedPartition partition, Emission emission, int generation)
    {
        (Partition, Emission, Attempt, Generation) = (partition, emission, 1, generation);
        Open(0);
        if (partition.Scope?.Round?.Traces is { Count: > 0 } from)
            Watch(ItemSpans.BeginCombined(telemetry, emission.Name, from));
    }

    public void SetKey(string? key) => this.key = key;

    public override StateScope Touch()
    {
        IsTouched = true;
        return Partition.Scope!;
    }

    public override void CheckKey(string key) => CheckPlace(key, "its state would be in several places. "
        + "Give the consecutor the same key (Consecutor.Key), or a stream of one partition (ConsecutorOptions.Stream).");

    /// <summary>Checks that the item is where its key belongs: it may have been accepted before Consecutor.Key was changed.</summary>
    public void CheckOwnKey() => CheckPlace(key, "it was accepted with another key or without one, by code with another "
        + "Consecutor.Key, or its payload was edited. Its state would be in two places. Send it again.");

    private void CheckPlace(string? key, string why)
    {
        int place = key is null ? Partition.Number : EntryKey.Of(key).PartitionOf(Partition.Count);
        if (place == Partition.Number) return;
        throw new InvalidOperationException($"The key '{key}' belongs to partition {place} of {Partition.Owner.Group.Stream}, and the item "
            + $"was accepted in partition {Partition.Number}: {why}");
    }

    /// <summary>Any thread of the run.</summary>
    public void Stage(StagedPart part) => Stacked.Push(ref staged, part);

    /// <summary>Adds a reserved place. Any thread.</summary>
    public void Keep(Reservation kept)
    {
        Stacked.Push(ref reservations, kept);
        Round?.KeepPlaces();
    }

    /// <summary>Fails it with the failures of an attempt before it was stored.</summary>
    public void Adopt(PartFailure earlier)
    {
        failures = earlier;
        Settle(Outcome.Failed);
    }

    /// <summary>Whether it has failed and is to be tried again.</summary>
    public bool ShouldReplay(DeliveryGuarantee delivery)
    {
        if (delivery is not { Level: DeliveryLevel.Replay } replay || Attempt > replay.Count) return false;
        for (PartFailure? failure = failures; failure is not null; failure = failure.Next)
            if (!failure.IsRetried(replay.Backoff)) return false;
        return !IsPartToDivide;
    }

    /// <summary>Whether a part is staged for a sink; with null, for the transaction.</summary>
    public bool HasStagedFor(SinkBinding? sink)
    {
        for (StagedPart? part = staged; part is not null; part = part.Next)
            if (sink is null ? part is TransactionPart : part.Sink == sink) return true;
        return false;
    }

    /// <summary>Drops the parts that this attempt has staged.</summary>
    public void DropStaged() => staged = null;

    /// <summary>Drops the staged parts, unless its successful parts are committed.</summary>
    public void DropStagedUnless(bool stays)
    {
        if (!stays) DropStaged();
    }

    /// <summary>Fails it as a whole after its end, because its effects cannot be committed.</summary>
    public void Refuse(PartFailure why)
    {
        DropStaged();
        Keep(why);
    }

    /// <summary>Counts bytes that it puts out, or takes back. Any thread.</summary>
    /// <returns>The total.</returns>
    public long AddOutput(long bytes) => Interlocked.Add(ref outputBytes, bytes);

    /// <summary>Fails it as a whole because its outputs exceed the limit. It keeps no more outputs. Any thread, while it is in
    /// flight.</summary>
    public void RefuseTooMuch(PartFailure why)
    {
        hasTooMuch = true;
        Refuse(why);
    }

    /// <summary>Clears it and returns it to the pool.</summary>
    public void Recycle()
    {
        reservations = null;
        (trace, began, isWatched) = (null, 0, false);
        (failures, staged, id, Next, Park, IsFree, IsSpilled) = (null, null, null, null, null, false, false);
        (Damage, Entrance, outputBytes, hasTooMuch) = (null, null, 0, false);
        headers = default;
        (Round, Item, Emission, key, LacksKey, IsBehind, IsTouched) = (null, null, null, null, false, false, false);
        pool.Return(this);
    }

    protected override void Keep(PartFailure failure)
    {
        Stacked.Push(ref failures, failure);
        Round?.HasFailed(this);
    }

    protected override void OnSettled()
    {
        if (isWatched) EndWork();
        if (ended.IsClosed) return;
        if (Round is { } round) round.End(this);
        else ended.Add(this);
    }
}
