using System.Text;

namespace Sluice.Testing;

/// <summary>A store under test, with helpers for the scenarios. Streams have one partition by default.</summary>
internal sealed class Rig(StreamStoreFixture fixture, CallLog calls) : IAsyncDisposable
{
    public const string Orders = "orders";
    public const string Results = "results";
    public static readonly GroupId Main = new(Orders, "main");
    public static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    /// <summary>The unit of times that must not pass during the calls of a scenario, where the time of a server goes on.</summary>
    public static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    private IStreamStore? opened, recorded;

    public TestClock Clock { get; private set; } = new();
    public int KillStride => fixture.KillStride;
    public IStreamStore Store => recorded ?? throw new InvalidOperationException("The store is not open.");

    /// <summary>The store as the fixture has opened it.</summary>
    public IStreamStore Opened => opened ?? throw new InvalidOperationException("The store is not open.");

    public bool HasTransactions => fixture.HasTransactions;

    /// <summary>Why the scenario has checked nothing: what the fixture cannot do; null if it could.</summary>
    public string? Unchecked { get; private set; }

    /// <summary>The first failure of the scenario, which counts; null if it has not failed.</summary>
    public StreamStoreContractException? Failure { get; set; }

    public ValueTask<StoreTransaction> BeginTransactionAsync() => fixture.BeginTransactionAsync();

    public async Task OpenAsync()
    {
        opened = await OpenAsync(Clock);
        recorded = new CallRecorder(opened, calls);
    }

    private ValueTask<IStreamStore> OpenAsync(TimeProvider clock)
        => calls.RecordAsync($"{nameof(fixture.OpenAsync)} of the fixture", () => fixture.OpenAsync(clock));

    /// <summary>Closes or kills the store.</summary>
    public async Task CloseAsync(bool kill)
    {
        IStreamStore closing = Opened;
        opened = recorded = null;                    // also if that throws: nothing closes it once more
        await calls.RecordAsync($"{(kill ? "a kill" : "a close")} of the store", async () =>
        {
            await (kill ? fixture.KillAsync(closing) : closing.DisposeAsync());
            return true;
        });
    }

    /// <summary>Closes or kills the store, and opens its data again.</summary>
    public async Task ReopenAsync(bool kill, TimeSpan clockBack = default)
    {
        await CloseAsync(kill);
        Clock = new TestClock(Clock.GetUtcNow() - clockBack);
        await OpenAsync();
    }

    /// <summary>
    /// Closes or kills the store, damages or deletes an entry, and opens the store again. False if the fixture cannot do that.
    /// </summary>
    public async Task<bool> DamageAsync(long sequence, string payload, bool kill = false, bool isDeleted = false)
    {
        await CloseAsync(kill);
        bool isDamaged = isDeleted ? await fixture.DeleteAsync(Orders, 0, sequence, Bytes(payload))
            : await fixture.DamageAsync(Orders, 0, sequence, Bytes(payload));
        Clock = new TestClock(Clock.GetUtcNow());
        await OpenAsync();
        if (!isDamaged)
            Unchecked = $"The store was not checked, because the fixture has {(isDeleted ? "deleted" : "damaged")} no entry "
                + $"({(isDeleted ? nameof(fixture.DeleteAsync) : nameof(fixture.DamageAsync))}).";
        return isDamaged;
    }

    /// <summary>
    /// Opens a second store object over the same data, with its own clock. Null if the store allows only one object; then opening must fail
    /// with an error.
    /// </summary>
    public async Task<IStreamStore?> OpenSecondAsync(TimeSpan clockAhead = default)
    {
        var clock = new TestClock(Clock.GetUtcNow() + clockAhead);
        if (fixture.CanOpenSeveral(Opened)) return new CallRecorder(await OpenAsync(clock), calls);
        await Expect.ThrowsAsync<StreamStoreException>(async () => await (await OpenAsync(clock)).DisposeAsync(),
            $"opening the data a second time, which {nameof(fixture.CanOpenSeveral)} does not allow");
        return null;
    }

    /// <summary>Whether the store refuses a call that a store may refuse for good.</summary>
    public static async Task<bool> IsRefusedAsync(Func<ValueTask> call)
    {
        try
        {
            await call();
            return false;
        }
        catch (StreamStoreException refusal) when (refusal.IsPermanent)
        {
            return true;
        }
    }

    /// <summary>Ends the scenario as not checked if the store refuses a call that a store may refuse for good.</summary>
    public static async Task NeedsAsync(string ability, Func<ValueTask> call)
    {
        try
        {
            await call();
        }
        catch (StreamStoreException refusal) when (refusal.IsPermanent)
        {
            throw new NotCheckedException($"The store was not checked, because it cannot {ability}: {refusal.Message}");
        }
    }

    public ValueTask PassAsync(TimeSpan time) => fixture.PassTimeAsync(Clock, time);

    /// <summary>An owner's first commit, with an output and a state.</summary>
    public static StoreCommit FirstCommit(Ownership owner, SequenceRange settled, EntryBatch output, string state) => new(owner, 1)
    {
        Settled = [settled],
        Outputs = [new(Results, output)],
        State = [new("sum", "", 0, Bytes(state))],
    };

    /// <summary>Creates the streams of most scenarios: orders with a group, and results.</summary>
    public async Task PrepareAsync(StreamOptions? options = null)
    {
        options ??= new();
        await Store.OpenStreamAsync(Orders, options.Partitions == StreamOptions.DefaultPartitions ? options with { Partitions = 1 }
            : options);
        await Store.OpenStreamAsync(Results, new() { Partitions = 1 });
        await Store.AddGroupAsync(Main);
    }

    public static EntryBatch Batch(params string[] payloads)
    {
        var batch = new EntryBatch();
        foreach (string payload in payloads) batch.Add(Encoding.UTF8.GetBytes(payload));
        return batch;
    }

    public async Task<AppendResult> AppendAsync(long sequence, string[] payloads, long epoch = 0, string producer = "p",
        string stream = Orders)
    {
        using EntryBatch batch = Batch(payloads);
        return await Store.AppendAsync(new(stream, producer, epoch, sequence, batch));
    }

    /// <summary>Appends payloads, which must be accepted.</summary>
    public async Task AddAsync(params string[] payloads)
    {
        ProducerState producer = await Store.OpenProducerAsync(Orders, "adder");
        AppendResult result = await AppendAsync(producer.Last + 1, payloads, producer.Epoch, "adder");
        Expect.Equal(AppendStatus.Accepted, result.Status, "an append in order");
    }

    /// <summary>Sends a heartbeat of a member's first instance, with a lease duration of ten seconds.</summary>
    public ValueTask<HeartbeatResult> BeatAsync(string member) => Store.HeartbeatAsync(new(Main, member, $"{member}1", 10 * Second));

    public async Task<(Ownership Owner, PartitionState State)> TakeAsync(string member = "a", int partition = 0, int version = 0,
        string? instance = null)
    {
        AcquireResult result = await Store.AcquireAsync(Main, partition, new(member) { Version = version, Instance = instance });
        Expect.Equal(AcquireStatus.Taken, result.Status, $"{member} takes {Main}/{partition}");
        return (result.Ownership, result.State!);
    }

    public async Task<Entry[]> LeaseAsync(Ownership owner, int max = 1000, Quarantine? quarantine = null)
    {
        LeaseResult result = await Store.LeaseAsync(new([owner]) { MaxItems = max, Quarantine = quarantine });
        Expect.Equal(0, result.Stale.Count, $"stale partitions in a lease of {owner}");
        return [.. result.Batches.SelectMany(batch => batch.Entries.ToArray())];
    }

    /// <summary>How most scenarios begin: prepares the streams, appends payloads, and leases them for the member "a".</summary>
    public async Task<Ownership> LeaseNewAsync(params string[] payloads)
    {
        await PrepareAsync();
        await AddAsync(payloads);
        (Ownership owner, _) = await TakeAsync();
        await LeaseAsync(owner);
        return owner;
    }

    /// <summary>Commits, which must be applied.</summary>
    public async Task CommitAsync(StoreCommit commit)
    {
        CommitResult result = await Store.CommitAsync(commit);
        Expect.Equal(CommitStatus.Committed, result.Status, $"commit {commit.Sequence} of {commit.Owner} ({result.Detail})");
    }

    public Task SettleAsync(Ownership owner, long commit, params long[] sequences)
        => CommitAsync(new(owner, commit) { Settled = [.. sequences.Select(sequence => new SequenceRange(sequence, sequence))] });

    public async Task<string[]> ReadAsync(string stream = Results, long from = 1, int partition = 0)
    {
        ReadResult result = await Store.ReadAsync(new(stream, partition, from));
        return Texts(result.Entries.ToArray());
    }

    public async Task<long> BacklogAsync() => (await Store.FindStreamAsync(Orders))!.Groups[0].Outstanding;

    /// <summary>Waits for a higher count of changes: a wait may return without a change, with the old count.</summary>
    public static async Task<long> BehindAsync(long seen, Func<ValueTask<long>> wait)
    {
        for (int returns = 0; returns < 10_000; returns++)
        {
            if (await wait() is var count && count > seen) return count;
            await Task.Yield();
        }
        throw new StreamStoreContractException("a wait returns again and again, without a change");
    }

    public static string Text(in Entry entry) => Encoding.UTF8.GetString(entry.Payload.Span);

    public static string[] Texts(IEnumerable<Entry> entries) => [.. entries.Select(entry => Text(entry))];

    public static ReadOnlyMemory<byte> Bytes(string text) => Encoding.UTF8.GetBytes(text);

    public async ValueTask DisposeAsync()
    {
        if (opened is not null) await CloseAsync(kill: false);
    }
}
