using static Sluice.Testing.Rig;

namespace Sluice.Testing;

internal static class StateScenarios
{
    public static async Task StateIsKeptByNodeKeyAndPartition(Rig rig)
    {
        await rig.PrepareAsync(new() { Partitions = 2 });
        (Ownership zero, _) = await rig.TakeAsync(partition: 0);
        (Ownership one, _) = await rig.TakeAsync(partition: 1);
        await rig.CommitAsync(new(zero, 1)
        {
            State =
            [.. Enumerable.Range(0, 5).Select(i => new StateRow("sum", $"k{i}", i, Bytes($"{i}")))]
        });
        await rig.CommitAsync(new(zero, 2)
        {
            State = [new("sum", "k1", 1, null), new("sum", "k2", 9, Bytes("new")),
            new("sum", "none", 0, null), new("other", "k3", 0, Bytes("other"))]
        });
        await rig.CommitAsync(new(one, 1) { State = [new("sum", "k0", 0, Bytes("one"))] });
        await rig.ReopenAsync(kill: true);
        Expect.Same([("k2", 9, "new"), ("k3", 3, "3")],
            Show(await rig.Store.ReadStateAsync(Main, 0, "sum", ["k1", "k3", "k2", "none"])).Order(), "rows by key");
        Expect.Same(["one"], Show(await rig.Store.ReadStateAsync(Main, 1, "sum", ["k0"])).Select(row => row.Item3),
            "a row of the other partition");
        List<StateRow> listed = await PagedAsync(after => rig.Store.ListStateAsync(Main, 0, "sum", after, max: 3), static row => row.Key);
        Expect.Same(["k0", "k2", "k3", "k4"], listed.Select(static row => row.Key).Order(StringComparer.Ordinal), "keys, paged");

        static IEnumerable<(string, int, string)> Show(IEnumerable<StateRow> rows)
            => rows.Select(row => (row.Key, row.Version, System.Text.Encoding.UTF8.GetString(row.Value!.Value.Span)));
    }

    public static async Task RowsAreListedInTheOrderOfTheirKeys(Rig rig)
    {
        await rig.PrepareAsync();
        (Ownership owner, _) = await rig.TakeAsync(partition: 0);
        string[] keys = [.. Enumerable.Range(0, 300).Select(i => $"{i * 7_919L % 300 * 1_000_000_000_000:D19}/{i:D19}")];
        await rig.CommitAsync(new(owner, 1) { State = [.. keys.Select(key => new StateRow("due", key, 0, Bytes("1")))] });
        await rig.CommitAsync(new(owner, 2)
        {
            State =
            [.. keys.Where((_, i) => i % 3 == 0).Select(key => new StateRow("due", key, 0, null))]
        });
        await rig.ReopenAsync(kill: true);
        List<StateRow> listed = await PagedAsync(after => rig.Store.ListStateAsync(Main, 0, "due", after, max: 64), static row => row.Key);
        Expect.Same(keys.Where((_, i) => i % 3 != 0).Order(StringComparer.Ordinal), listed.Select(static row => row.Key),
            "keys in their order");
    }

    public static async Task NodesWithStateAreListedByPartition(Rig rig)
    {
        await rig.PrepareAsync(new() { Partitions = 2 });
        (Ownership zero, _) = await rig.TakeAsync(partition: 0);
        (Ownership one, _) = await rig.TakeAsync(partition: 1);
        string[] names = ["$own", "A", "a", "a b", "ab", "é", "e\u0301", "😀", "\uffff", "(", "[", "%", "'"];
        await rig.CommitAsync(new(zero, 1)
        {
            State =
            [.. names.SelectMany((name, i) => Enumerable.Range(0, i + 1)
            .Select(k => new StateRow(name, k == 0 ? "" : $"{k}", 0, Bytes("1"))))]
        });
        await rig.CommitAsync(new(zero, 2)
        {
            State =
            [.. Enumerable.Range(0, 3).Select(k => new StateRow("a", k == 0 ? "" : $"{k}", 0, null))]
        });
        await rig.CommitAsync(new(one, 1)
        {
            State = [.. Enumerable.Range(0, 250)
            .Select(i => new StateRow($"node-{i:D3}", "k", 0, Bytes("1")))]
        });
        await rig.ReopenAsync(kill: true);
        Expect.Same(names.Select((name, i) => (name, (long?)(i + 1))).Where(node => node.name != "a")
            .OrderBy(node => node.name, StringComparer.Ordinal),
            (await ListAsync(0, max: 4, counted: true)).Select(node => (node.Node, node.Rows))
                .OrderBy(node => node.Node, StringComparer.Ordinal), "nodes, counted");
        Expect.Same(Enumerable.Range(0, 250).Select(i => $"node-{i:D3}"),
            (await ListAsync(1, max: 100, counted: false)).Select(node => node.Node).Order(StringComparer.Ordinal), "many nodes");
        Expect.True((await ListAsync(1, max: 1000, counted: false)).TrueForAll(node => node.Rows is null),
            "rows are counted only if the caller wants it");

        Task<List<StateNodeInfo>> ListAsync(int partition, int max, bool counted) => PagedAsync(
            after => rig.Store.ListStateNodesAsync(Main, partition, after, max, counted), static node => node.Node);
    }

    /// <summary>All pages of a list. A page that has a name of an earlier one would have no end.</summary>
    private static async Task<List<T>> PagedAsync<T>(Func<string?, ValueTask<IReadOnlyList<T>>> list, Func<T, string> name)
    {
        List<T> all = [];
        HashSet<string> names = new(StringComparer.Ordinal);
        while (await list(all.Count == 0 ? null : name(all[^1])) is { Count: > 0 } page)
        {
            foreach (T one in page)
                Expect.True(names.Add(name(one)), $"no page lists again what one before it has listed ({name(one)})");
            all.AddRange(page);
        }
        return all;
    }

    public static async Task FileLengthsAreForgottenOnRequest(Rig rig)
    {
        await rig.PrepareAsync();
        (Ownership owner, _) = await rig.TakeAsync();
        await rig.CommitAsync(new(owner, 1) { FileLengths = [new("a", 1), new("b", 0)] });
        await rig.CommitAsync(new(owner, 2) { FileLengths = [new("a", -1), new("b", 5), new("c", -1)] });
        await rig.ReopenAsync(kill: true);
        (_, PartitionState state) = await rig.TakeAsync();
        Expect.Same([("b", 5L)], state.FileLengths.Select(file => (file.Key, file.Value)), "file lengths");
    }

    public static async Task ADeletedStreamIsGoneWithEverything(Rig rig)
    {
        await rig.PrepareAsync();
        await rig.AddAsync("a");
        (Ownership owner, _) = await rig.TakeAsync();
        Expect.Same([Orders, Results], await rig.Store.ListStreamsAsync(), "streams");
        Expect.Same([Orders], await rig.Store.ListStreamsAsync("or"), "streams by prefix");
        Expect.Equal(true, await rig.Store.DeleteStreamAsync(Orders), "there was a stream to delete");
        Expect.Equal(false, await rig.Store.DeleteStreamAsync(Orders), "there was a stream to delete, the second time");
        Expect.Equal(null, await rig.Store.FindStreamAsync(Orders), "the stream");
        Expect.Equal(null, await rig.Store.FindGroupAsync(Main), "its group");
        Expect.Same([owner], (await rig.Store.LeaseAsync(new([owner]))).Stale, "a lease of it is stale");
        await rig.PrepareAsync();
        await rig.ReopenAsync(kill: true);
        Expect.Equal(0, (await rig.Store.FindStreamAsync(Orders))!.Items, "items of a new stream of the name");
        Expect.Equal(0, (await rig.Store.OpenProducerAsync(Orders, "adder")).Last, "what it knows of the producers of the old one");
    }

    public static async Task AStreamIsOpenedWithItsOwnPartitions(Rig rig)
    {
        await rig.Store.OpenStreamAsync("s", new() { Partitions = 3, MaxItems = 7 });
        await rig.ReopenAsync(kill: true);
        Expect.Equal(7, (await rig.Store.OpenStreamAsync("s", new() { Partitions = 3 })).Options.MaxItems,
            "the bound of a stream that is there");
        StreamStoreException failure = await Expect.ThrowsAsync<StreamStoreException>(() => rig.Store.OpenStreamAsync("s").AsTask(),
            "opening it with 64 partitions");
        Expect.Equal("s", failure.Stream, "the stream that the failure names");
        Expect.True(failure.IsPermanent, "it says that it will be the same the next time");
    }

    public static async Task MisuseIsNamed(Rig rig)
    {
        await rig.PrepareAsync();
        foreach (string name in new[] { "", "a\nb", new('x', 201), "x\ud800" })
            await Expect.ThrowsAsync<ArgumentException>(() => rig.Store.OpenStreamAsync(name).AsTask(),
                $"a stream with a name of {name.Length} characters");
        StreamStoreException failure = await Expect.ThrowsAsync<StreamStoreException>(() => rig.AppendAsync(1, ["a"], stream: "nowhere"),
            "an append to a missing stream");
        Expect.True(failure.Message.Contains("nowhere", StringComparison.Ordinal), $"the message names the stream ({failure.Message})");
        failure = await Expect.ThrowsAsync<StreamStoreException>(() => rig.Store.AcquireAsync(new(Orders, "nobody"), 0, new("a")).AsTask(),
            "a partition of a missing group");
        Expect.True(failure.Message.Contains("nobody", StringComparison.Ordinal), $"the message names the group ({failure.Message})");
        await Expect.ThrowsAsync<ArgumentException>(() => rig.Store.AcquireAsync(Main, 1, new("a")).AsTask(),
            "a partition that is not there");
        await Expect.ThrowsAsync<ArgumentException>(() => rig.AppendAsync(1, []), "an empty append");
        await Expect.ThrowsAsync<OperationCanceledException>(() => rig.Store.FindStreamAsync(Orders, new CancellationToken(canceled: true))
            .AsTask(), "a call that is given up");
    }

    public static async Task ACheckReadsEveryEntry(Rig rig)
    {
        await rig.PrepareAsync(new() { Partitions = 2 });
        for (int i = 0; i < 5; i++) await rig.AddAsync("a", "b");
        IntegrityReport report = await rig.Store.CheckAsync();
        Expect.Equal((10L, 0), (report.Entries, report.Problems.Count), "entries and problems");
    }
}
