using static Sluice.Testing.Rig;

namespace Sluice.Testing;

/// <summary>A random walk over a store and its model: two partitions, one group, one producer.</summary>
internal sealed class RandomWalk(Rig rig, Random random) : IAsyncDisposable
{
    private const int MaxRead = 10_000;

    private static readonly string[] KeyOf = [.. Enumerable.Range(0, 2)
        .Select(partition => Enumerable.Range(0, 99).Select(i => $"{i}").First(key => EntryKey.Of(key).PartitionOf(2) == partition))];

    private readonly TransactionWalk transactions = new(rig, random);
    private readonly PartitionModel[] partitions = [new(), new()];
    private readonly SortedDictionary<long, (int Partition, string Text)> dead = [];
    private readonly List<string> results = [];
    private readonly List<Ownership> former = [];
    private AppendRequest? lastAppend;
    private AppendResult? lastAppended;
    private long epoch, last, quarantine, letters;
    private int made, compared;                      // results that were compared, and need not be again until the store is opened anew
    private TimeSpan now;
    private bool isInTransaction;                    // the last operation

    /// <summary>The last operation, as text.</summary>
    public string Last
    {
        get => isInTransaction ? transactions.Last : field;
        private set;
    } = "the beginning";

    public Task BeginAsync() => rig.PrepareAsync(new() { Partitions = 2 });

    /// <summary>Takes a step. If the store accepts sends in transactions, one step in five is a step of a transaction.</summary>
    public async Task StepAsync()
    {
        isInTransaction = rig.HasTransactions && random.Next(5) == 0;
        if (isInTransaction) await transactions.StepAsync(NextEntry, entry => partitions[entry.Partition].Append(entry.Text));
        else await StepAloneAsync();
    }

    public ValueTask DisposeAsync() => transactions.DisposeAsync();

    private (string Key, string Text, int Partition) NextEntry()
    {
        int partition = random.Next(2);
        return (KeyOf[partition], $"t{++made}", partition);
    }

    private Task StepAloneAsync() => random.Next(100) switch
    {
        < 22 => AppendAsync(),
        < 26 => RepeatAppendAsync(),
        < 29 => WrongAppendAsync(),
        < 31 => OpenProducerAsync(),
        < 38 => TakeAsync(random.Next(2)),
        < 41 => ReleaseAsync(random.Next(2)),
        < 60 => LeaseAsync(),
        < 66 => LeaseSuspectAsync(),
        < 84 => CommitAsync(random.Next(2)),
        < 87 => RepeatCommitAsync(random.Next(2)),
        < 90 => WrongCommitAsync(random.Next(2)),
        < 93 => RedriveAsync(),
        < 95 => PassAsync(),
        _ => ReopenAsync(),
    };

    /// <summary>Compares all visible state of the store with the model.</summary>
    public async Task CompareAsync()
    {
        for (int i = 0; i < 2; i++)
        {
            IReadOnlyList<WaitingEntry> waiting = await rig.Store.ListWaitingAsync(Main, i, max: 10_000);
            Expect.Same(partitions[i].Outstanding.Select(entry => $"{entry.Key} {entry.Value}"),
                waiting.Select(entry => $"{entry.Entry.Sequence} {Text(entry.Entry)} {entry.Status} {entry.Attempts}"),
                    $"outstanding in partition {i}");
            IReadOnlyList<StateRow> state = await rig.Store.ListStateAsync(Main, i, "node", max: 10_000);
            Expect.Same(partitions[i].State.Select(row => $"{row.Key}={row.Value}"),
                state.Select(row => $"{row.Key}={System.Text.Encoding.UTF8.GetString(row.Value!.Value.Span)}")
                    .Order(StringComparer.Ordinal), $"state in partition {i}");
        }
        IReadOnlyList<StoredDeadLetter> found = await rig.Store.ListDeadAsync(Main, max: 10_000);
        Expect.Same(dead.Select(letter => (letter.Key, letter.Value.Partition, letter.Value.Text)),
            found.Select(letter => (letter.Number, letter.Partition, Text(letter.Entry))), "dead letters");
        ReadResult read = await rig.Store.ReadAsync(new(Results, 0, compared + 1) { MaxItems = MaxRead });
        Expect.Same(results.Skip(compared), Texts(read.Entries.ToArray()), $"results behind the first {compared}");
        compared = results.Count;
        Expect.Equal(partitions.Sum(partition => partition.Entries.Values.Count(entry => entry.Fate != Fate.Ended)),
            await rig.BacklogAsync(), "outstanding entries");
    }

    private async Task AppendAsync()
    {
        List<(int Partition, string Text)> entries =
            [.. Enumerable.Range(0, random.Next(1, 6)).Select(_ => (random.Next(2), $"e{++made}"))];
        var batch = new EntryBatch();
        foreach ((int partition, string text) in entries) batch.Add(Bytes(text).Span, EntryKey.Of(KeyOf[partition]));
        lastAppend = new(Orders, "p", epoch, last + 1, batch);
        Last = $"append {last + 1} to {last + entries.Count}";
        lastAppended = await rig.Store.AppendAsync(lastAppend);
        last += entries.Count;
        EntryId first = new(rig.Store.Generation, Orders, entries[0].Partition, partitions[entries[0].Partition].Tail + 1);
        Expect.Equal(new AppendResult(AppendStatus.Accepted, last, first), lastAppended, "the append");
        foreach ((int partition, string text) in entries) partitions[partition].Append(text);
    }

    private async Task RepeatAppendAsync()
    {
        Last = "repeat the last append";
        if (lastAppend is null) return;
        Expect.Equal(lastAppended! with { Status = AppendStatus.Duplicate }, await rig.Store.AppendAsync(lastAppend with { Epoch = epoch }),
            "the repeated append");
    }

    private async Task WrongAppendAsync()
    {
        long sequence = last + random.Next(2, 5);
        Last = $"append {sequence} after {last}";
        Expect.Equal(new AppendResult(AppendStatus.Gap, last, null), await rig.AppendAsync(sequence, ["gap"], epoch), "the append");
        if (epoch > 0) Expect.Equal(AppendStatus.Refused, (await rig.AppendAsync(last + 1, ["zombie"], epoch - 1)).Status,
            "a zombie's append");
    }

    private async Task OpenProducerAsync()
    {
        Last = "open the producer";
        ProducerState state = await rig.Store.OpenProducerAsync(Orders, "p");
        IsRaised(epoch, state.Epoch, "the producer's epoch");
        Expect.Equal(last, state.Last, "the last number");
        epoch = state.Epoch;
    }

    private async Task TakeAsync(int partition)
    {
        PartitionModel model = partitions[partition];
        Last = $"take partition {partition}";
        if (model.Epoch > 0) former.Add(model.Owner(partition));
        (Ownership owner, PartitionState state) = await rig.TakeAsync("m", partition);
        IsRaised(model.Epoch, owner.Epoch, "the partition's epoch");
        model.Take(owner.Epoch);
        Expect.Equal(model.LastCommit, state.LastCommit, "the last commit");
        Expect.Same(model.Outstanding.Select(entry => $"{entry.Key} {entry.Value.Fate} {entry.Value.Attempts}"),
            state.Waiting.Select(entry => $"{entry.Entry.Sequence} {entry.Status} {entry.Attempts}"), "what waits, as the owner finds it");
    }

    private static void IsRaised(long before, long now, string what)
        => Expect.True(now > before, $"{what} is above {before}; it is {now}");

    private async Task ReleaseAsync(int partition)
    {
        PartitionModel model = partitions[partition];
        Last = $"release partition {partition}";
        Expect.Equal(model.IsOwned, await rig.Store.ReleaseAsync(model.Owner(partition)), "the release");
        model.Release();
    }

    private async Task LeaseAsync()
    {
        int max = random.Next(1, 8), left = max;
        int[] order = random.Next(2) == 0 ? [0, 1] : [1, 0];
        Last = $"lease {max}";
        LeaseResult result = await rig.Store.LeaseAsync(
            new([.. order.Select(i => partitions[i].Owner(i)), .. former.TakeLast(1)]) { MaxItems = max });
        List<string> expected = [];
        foreach (int i in order.Where(i => partitions[i].IsOwned && left > 0))
        {
            var leased = partitions[i].Lease(now, left, suspects: false);
            left -= leased.Count;
            expected.AddRange(leased.Select(entry => $"{i}: {entry}"));
        }
        Expect.Same(expected, Show(result), "what is leased");
        Expect.Same([.. order.Where(i => !partitions[i].IsOwned).Select(i => partitions[i].Owner(i)), .. former.TakeLast(1)], result.Stale,
            "what is stale");
    }

    private async Task LeaseSuspectAsync()
    {
        Last = "lease a suspect";
        if (random.Next(3) == 0 || quarantine == 0)
        {
            Quarantine? taken = await rig.Store.AcquireQuarantineAsync(Main, "m", quarantine);
            IsRaised(quarantine, taken?.Epoch ?? 0, "the quarantine's epoch");
            quarantine = taken!.Value.Epoch;
        }
        var lease = new LeaseRequest([partitions[0].Owner(0), partitions[1].Owner(1)]);
        LeaseResult lost = await rig.Store.LeaseAsync(lease with { Quarantine = new(Main, quarantine - 1) });
        Expect.True(lost.IsQuarantineLost && lost.Batches.Count == 0, "a former quarantine is lost");
        LeaseResult result = await rig.Store.LeaseAsync(lease with { Quarantine = new(Main, quarantine) });
        List<string> expected = [];
        for (int i = 0; i < 2 && expected.Count == 0; i++)
            if (partitions[i].IsOwned) expected.AddRange(partitions[i].Lease(now, 1, suspects: true).Select(entry => $"{i}: {entry}"));
        Expect.Same(expected, Show(result), "the suspect");
    }

    private async Task CommitAsync(int partition)
    {
        PartitionModel model = partitions[partition];
        StoreCommit commit = RandomCommit.Make(random, model, partition, ++made);
        Last = $"commit {commit.Sequence} of partition {partition}";
        CommitResult result = await rig.Store.CommitAsync(commit);
        Expect.Equal(model.IsOwned ? CommitStatus.Committed : CommitStatus.Stale, result.Status, $"the commit ({result.Detail})");
        if (!model.IsOwned) return;
        foreach (DeadLetterWrite letter in commit.Dead) dead.Add(++letters, (partition, model.Entries[letter.Sequence].Text));
        foreach (CommitOutput output in commit.Outputs) results.Add($"r{made}");
        RandomCommit.Apply(commit, model, now, made);
        model.LastApplied = commit;
    }

    private async Task RepeatCommitAsync(int partition)
    {
        Last = $"repeat the last commit of partition {partition}";
        if (partitions[partition].LastApplied is { } commit)
            Expect.Equal(CommitStatus.Committed, (await rig.Store.CommitAsync(commit)).Status, "the repeated commit");
    }

    private async Task WrongCommitAsync(int partition)
    {
        PartitionModel model = partitions[partition];
        StoreCommit commit = RandomCommit.Make(random, model, partition, ++made);
        Last = $"a wrong commit of partition {partition}";
        if (former.FirstOrDefault(owner => owner.Partition == partition) is { Epoch: > 0 } zombie && model.LastApplied?.Owner != zombie)
            Expect.Equal(CommitStatus.Stale, (await rig.Store.CommitAsync(commit with { Owner = zombie })).Status,
                "a former owner's commit");
        if (!model.IsOwned) return;
        Expect.Equal(CommitStatus.Gap, (await rig.Store.CommitAsync(commit with { Sequence = commit.Sequence + 1 })).Status,
            "a commit that is ahead");
        long wrong = model.Entries.FirstOrDefault(entry => !entry.Value.IsOutstanding).Key is var key and not 0 ? key : model.Tail + 1;
        commit = commit with { Settled = [.. commit.Settled, new(wrong, wrong)] };
        Expect.Equal(CommitStatus.NotOutstanding, (await rig.Store.CommitAsync(commit)).Status, $"a commit that settles {wrong} as well");
    }

    private async Task RedriveAsync()
    {
        long[] numbers = [.. dead.Keys.Where(_ => random.Next(2) == 0)];
        Last = $"redrive {string.Join(", ", numbers)}";
        Expect.Equal(numbers.Length, await rig.Store.RedriveAsync(Main, [.. numbers, 9999]), "redriven letters");
        foreach (long number in numbers)
        {
            partitions[dead[number].Partition].AddOwn(dead[number].Text, now);
            dead.Remove(number);
        }
    }

    private async Task PassAsync()
    {
        Last = "ten seconds pass";
        now += 10 * Second;
        await rig.PassAsync(10 * Second);
    }

    private async Task ReopenAsync()
    {
        bool kill = random.Next(2) == 0;
        Last = kill ? "kill the store" : "close and open the store";
        await rig.ReopenAsync(kill);
        compared = Math.Max(0, results.Count - MaxRead);
    }

    private static IEnumerable<string> Show(LeaseResult result)
        => result.Batches.SelectMany(batch => batch.Entries.ToArray()
        .Select(entry => $"{batch.Owner.Partition}: {(entry.Sequence, Text(entry), entry.Attempt)}"));
}
