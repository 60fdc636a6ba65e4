using static Sluice.Testing.Rig;

namespace Sluice.Testing;

/// <summary>What ends a wait, in the process that makes the change and in another one.</summary>
internal static class WakeUpScenarios
{
    public static async Task AWaitEndsWithTheNextChange(Rig rig)
    {
        await rig.PrepareAsync();
        using var stop = new CancellationTokenSource();
        long seen = await rig.Store.WaitForChangeAsync(Orders, -1);
        Task<long> given = BehindAsync(long.MaxValue, async () => seen = await rig.Store.WaitForChangeAsync(Orders, seen, stop.Token));
        await stop.CancelAsync();
        await Expect.ThrowsAsync<OperationCanceledException>(() => given, "a wait that is given up");
        await CheckAsync(rig, rig.Store);
    }

    public static async Task AWaitEndsWithAChangeThatIsMadeElsewhere(Rig rig)
    {
        await rig.PrepareAsync();
        if (await rig.OpenSecondAsync() is not { } second) return;
        await using (second)
            await CheckAsync(rig, second);
    }

    // Its users end then, and do not repeat the call.
    public static async Task AStoreThatIsDisposedEndsItsCalls(Rig rig)
    {
        await rig.PrepareAsync();
        IStreamStore closed = rig.Store;
        long seen = await closed.WaitForChangeAsync(Orders, -1);
        long seenAny = seen, seenEntries = seen;     // the change before may be told late
        Task<long> any = BehindAsync(long.MaxValue, async () => seenAny = await closed.WaitForChangeAsync(Orders, seenAny)),
            entries = BehindAsync(long.MaxValue, async () => seenEntries = await closed.WaitForEntriesAsync(Orders, [0], seenEntries));
        await rig.CloseAsync(kill: false);
        using EntryBatch batch = Batch("a");
        foreach ((string what, Func<Task> call) in new (string, Func<Task>)[]
        {
            ("a wait for a change", () => any),
            ("a wait for entries", () => entries),
            ("a later wait", () => closed.WaitForChangeAsync(Orders, seen).AsTask()),
            ("FindStreamAsync", () => closed.FindStreamAsync(Orders).AsTask()),
            ("AppendAsync", () => closed.AppendAsync(new(Orders, "p", 0, 1, batch)).AsTask()),
            ("GetTimeAsync", () => closed.GetTimeAsync().AsTask()),
        })
            await Expect.ThrowsAsync<ObjectDisposedException>(() => Expect.SoonAsync(call(), what), $"{what} of a store that was disposed");
        await closed.DisposeAsync();
        await rig.OpenAsync();
        Expect.Same([], await rig.ReadAsync(Orders), "what is stored");
    }

    // Changes are made by the store of the rig. A change that gives entries to lease ends both kinds of waiting.
    private static async Task CheckAsync(Rig rig, IStreamStore waiter)
    {
        (Ownership owner, _) = await rig.TakeAsync();
        using EntryBatch derived = Batch("derived");
        foreach ((string what, bool givesEntries, Func<Task> change) in new (string, bool, Func<Task>)[]
        {
            ("an append", true, () => rig.AddAsync("a")),
            ("a commit", false, async () =>
            {
                await rig.LeaseAsync(owner);
                await rig.CommitAsync(new(owner, 1) { Settled = [new(1, 1)], Dead = [new(1, "n", "e", 1)] });
            }),
            ("a redrive", true, () => rig.Store.RedriveAsync(Main, [1]).AsTask()),
            ("a retry that is due at once", true, async () =>
            {
                await rig.LeaseAsync(owner);
                await rig.CommitAsync(new(owner, 2) { Deferred = [new(-1, 1, TimeSpan.Zero)] });
            }),
            ("a commit that parks an entry", false, async () =>
            {
                await rig.LeaseAsync(owner);
                await rig.CommitAsync(new(owner, 3) { Deferred = [new(-1, 1, null)] });
            }),
            ("a commit that frees it", true, () => rig.CommitAsync(new(owner, 4) { Deferred = [new(-1, 1, TimeSpan.Zero)] })),
            ("a derived entry", true, () => rig.CommitAsync(new(owner, 5) { Derived = derived })),
            ("a release", true, () => rig.Store.ReleaseAsync(owner).AsTask()),
            ("an end", true, () => rig.Store.EndStreamAsync(Orders, StreamEnd.Complete).AsTask()),
        })
        {
            long seen = await waiter.WaitForChangeAsync(Orders, -1);
            using var stop = new CancellationTokenSource();
            Task<long> any = BehindAsync(seen, () => waiter.WaitForChangeAsync(Orders, seen, stop.Token)),
                entries = BehindAsync(seen, () => waiter.WaitForEntriesAsync(Orders, [0], seen, stop.Token));
            await change();
            await Expect.SoonAsync(any, $"a wait for a change ends with {what}");
            if (givesEntries) await Expect.SoonAsync(entries, $"a wait for entries ends with {what}");
            await stop.CancelAsync();
            await ((Task)entries).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }
}
