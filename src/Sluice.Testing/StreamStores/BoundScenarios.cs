using static Sluice.Testing.Rig;

namespace Sluice.Testing;

internal static class BoundScenarios
{
    public static async Task BytesAreBoundedAsWell(Rig rig)
    {
        await rig.PrepareAsync(new() { MaxBytes = 1000 });
        string half = new('x', 600);
        Expect.Equal(AppendStatus.Accepted, (await rig.AppendAsync(1, [half])).Status, "600 bytes of 1,000");
        Expect.Equal(AppendStatus.Full, (await rig.AppendAsync(2, [half])).Status, "600 more");
        (Ownership owner, _) = await rig.TakeAsync();
        await rig.LeaseAsync(owner);
        await rig.SettleAsync(owner, 1, 1);
        Expect.Equal(AppendStatus.Accepted, (await rig.AppendAsync(2, [half])).Status, "600 more, when the first are settled");
    }

    public static async Task ABatchLargerThanTheBoundEntersAnEmptyStream(Rig rig)
    {
        await rig.PrepareAsync(new() { MaxItems = 2 });
        Expect.Equal(AppendStatus.Accepted, (await rig.AppendAsync(1, ["a", "b", "c"])).Status, "three entries for two places");
        Expect.Equal(AppendStatus.Full, (await rig.AppendAsync(4, ["d"])).Status, "one more");
    }

    public static async Task TheSlowestConsumerThatGatesCounts(Rig rig)
    {
        await rig.PrepareAsync(new() { MaxItems = 2 });
        await rig.Store.OpenReaderAsync(Orders, "idle", new() { AppliesBackpressure = false });
        await rig.Store.OpenReaderAsync(Orders, "active");
        await rig.AddAsync("a", "b");
        (Ownership owner, _) = await rig.TakeAsync();
        await rig.LeaseAsync(owner);
        await rig.SettleAsync(owner, 1, 1, 2);
        Expect.Equal(AppendStatus.Full, (await rig.AppendAsync(1, ["c"])).Status, "an append before the active reader has moved");
        await rig.Store.MoveReaderAsync(new(Orders, "active", 0, 3));
        Expect.Equal(AppendStatus.Accepted, (await rig.AppendAsync(1, ["c"])).Status, "an append when only the idle one is behind");
        Expect.Equal(3, (await rig.Store.FindStreamAsync(Orders))!.Items, "items, kept for the idle one");
    }

    public static async Task WaitingEntriesCountAndDeadLettersDoNot(Rig rig)
    {
        await rig.PrepareAsync(new() { MaxItems = 2 });
        await rig.AddAsync("a", "b");
        (Ownership owner, _) = await rig.TakeAsync();
        await rig.LeaseAsync(owner);
        await rig.CommitAsync(new(owner, 1) { Deferred = [new(1, 1, null), new(2, 1, Second)] });
        Expect.Equal(AppendStatus.Full, (await rig.AppendAsync(1, ["c"])).Status, "an append while two wait");
        await rig.CommitAsync(new(owner, 2) { Settled = [new(2, 2)], Dead = [new(2, "node", "dead", 1)] });
        Expect.Equal(AppendStatus.Accepted, (await rig.AppendAsync(1, ["c"])).Status, "an append when one of them is dead");
        await rig.Store.RedriveAsync(Main, [1]);
        Expect.Equal(3, await rig.BacklogAsync(), "outstanding entries, beyond the bound after a redrive");
    }

    public static async Task NothingIsLeasedWhileAGateIsFull(Rig rig)
    {
        await rig.PrepareAsync();
        await rig.Store.OpenStreamAsync("narrow", new() { Partitions = 1, MaxItems = 1 });
        await rig.Store.OpenReaderAsync("narrow", "reader");
        await rig.AddAsync("a", "b");
        (Ownership owner, _) = await rig.TakeAsync();
        var lease = new LeaseRequest([owner]) { MaxItems = 1, BackpressureStreams = [Results, "narrow"] };
        Expect.Equal(1, (await rig.Store.LeaseAsync(lease)).Batches.Count, "batches while there is room");
        using EntryBatch output = Batch("1", "2");
        await rig.CommitAsync(new(owner, 1) { Settled = [new(1, 1)], Outputs = [new("narrow", output)] });
        LeaseResult held = await rig.Store.LeaseAsync(lease);
        Expect.Equal((0, "narrow"), (held.Batches.Count, held.FullStream), "batches, and the stream that is full");
        await rig.Store.MoveReaderAsync(new("narrow", "reader", 0, 3));
        Expect.Same(["b"], Texts((await rig.Store.LeaseAsync(lease)).Batches.Single().Entries.ToArray()),
            "what is leased when there is room again");
    }

    public static async Task AGateThatAnExpiringReaderHoldsSaysWhenItMayOpen(Rig rig)
    {
        await rig.PrepareAsync();
        await rig.Store.OpenStreamAsync("narrow", new() { Partitions = 1, MaxItems = 1 });
        await rig.Store.OpenReaderAsync("narrow", "page", new() { IdleTimeout = 4 * Minute });
        await rig.Store.OpenReaderAsync("narrow", "ahead");
        await rig.AppendAsync(1, ["full"], stream: "narrow");
        await rig.Store.MoveReaderAsync(new("narrow", "ahead", 0, 2));
        await rig.AddAsync("a");
        (Ownership owner, _) = await rig.TakeAsync();
        var lease = new LeaseRequest([owner]) { BackpressureStreams = ["narrow"] };
        LeaseResult held = await rig.Store.LeaseAsync(lease);
        Expect.Equal((0, "narrow"), (held.Batches.Count, held.FullStream), "batches, and the stream that is full");
        Expect.True(held.NextDue > TimeSpan.Zero && held.NextDue <= 4 * Minute, $"it says when the reader may expire ({held.NextDue})");
        await rig.PassAsync(5 * Minute);
        Expect.Same(["a"], Texts((await rig.Store.LeaseAsync(lease)).Batches.Single().Entries.ToArray()),
            "what is leased when the reader has expired");
    }

    public static async Task AnOwnerThatGivesUpItsPartitionGivesUpItsPlaces(Rig rig)
    {
        await rig.PrepareAsync();
        await rig.Store.OpenStreamAsync("narrow", new() { Partitions = 1, MaxItems = 1 });
        (Ownership owner, _) = await rig.TakeAsync();
        Expect.Equal(ReserveStatus.Reserved, await rig.Store.ReserveAsync(owner, "narrow", 1, 1), "the only place");
        Expect.Equal(AppendStatus.Full, (await rig.AppendAsync(1, ["x"], stream: "narrow")).Status, "an append to the reserved place");
        await rig.Store.ReleaseAsync(owner);
        Expect.Equal(AppendStatus.Accepted, (await rig.AppendAsync(1, ["x"], stream: "narrow")).Status,
            "an append when the owner has released its partition");
        await rig.Store.OpenStreamAsync("other", new() { Partitions = 1, MaxItems = 1 });
        (owner, _) = await rig.TakeAsync();
        Expect.Equal(ReserveStatus.Reserved, await rig.Store.ReserveAsync(owner, "other", 1, 1), "the only place of another stream");
        await rig.Store.RemoveGroupAsync(Main);
        Expect.Equal(AppendStatus.Accepted, (await rig.AppendAsync(1, ["x"], stream: "other")).Status,
            "an append when the group of the owner is gone");
    }

    public static async Task NoPlaceIsReservedInAStreamThatHasEnded(Rig rig)
    {
        await rig.PrepareAsync();
        (Ownership owner, _) = await rig.TakeAsync();
        await rig.Store.EndStreamAsync(Results, StreamEnd.Complete);
        Expect.Equal(ReserveStatus.Ended, await rig.Store.ReserveAsync(owner, Results, 1, 1), "a place in a stream that has ended");
    }

    public static async Task AReservedPlaceIsKeptUntilItIsUsedOrLost(Rig rig)
    {
        await rig.PrepareAsync();
        await rig.Store.OpenStreamAsync("narrow", new() { Partitions = 1, MaxItems = 2 });
        await rig.AddAsync("a");
        (Ownership owner, _) = await rig.TakeAsync();
        await rig.LeaseAsync(owner);
        Expect.Equal(ReserveStatus.Reserved, await rig.Store.ReserveAsync(owner, "narrow", 1, 1), "the first place");
        Expect.Equal(ReserveStatus.Reserved, await rig.Store.ReserveAsync(owner, "narrow", 1, 1), "the second place");
        Expect.Equal(ReserveStatus.Full, await rig.Store.ReserveAsync(owner, "narrow", 1, 1), "a third place of two");
        Expect.Equal(AppendStatus.Full, (await rig.AppendAsync(1, ["x"], stream: "narrow")).Status,
            "an append to a stream that is reserved");
        using EntryBatch output = Batch("out");
        await rig.CommitAsync(new(owner, 1)
        {
            Settled = [new(1, 1)],
            Outputs = [new("narrow", output) { ReservedItems = 1, ReservedBytes = 1 }]
        });
        Expect.Equal(AppendStatus.Full, (await rig.AppendAsync(1, ["x"], stream: "narrow")).Status,
            "an append, while one place is used and one reserved");
        await rig.TakeAsync("b");
        Expect.Equal(AppendStatus.Accepted, (await rig.AppendAsync(1, ["x"], stream: "narrow")).Status,
            "an append when the owner has lost its reservation");
    }

    public static async Task AReservationCountsAgainstTheBoundOfBytes(Rig rig)
    {
        await rig.PrepareAsync();
        await rig.Store.OpenStreamAsync("narrow", new() { Partitions = 1, MaxBytes = 1000 });
        string half = new('x', 600);
        await rig.AddAsync("a");
        (Ownership owner, _) = await rig.TakeAsync();
        await rig.LeaseAsync(owner);
        Expect.Equal(ReserveStatus.Reserved, await rig.Store.ReserveAsync(owner, "narrow", 1, 600), "600 bytes of 1,000");
        Expect.Equal(ReserveStatus.Full, await rig.Store.ReserveAsync(owner, "narrow", 1, 600), "600 bytes more");
        Expect.Equal(AppendStatus.Full, (await rig.AppendAsync(1, [half], stream: "narrow")).Status, "600 bytes beside those reserved");
        using EntryBatch output = Batch(half);
        await rig.CommitAsync(new(owner, 1)
        {
            Settled = [new(1, 1)],
            Outputs = [new("narrow", output) { ReservedItems = 1, ReservedBytes = 600 }]
        });
        Expect.Equal(AppendStatus.Full, (await rig.AppendAsync(1, [half], stream: "narrow")).Status, "600 bytes beside those written");
        Expect.Equal(AppendStatus.Accepted, (await rig.AppendAsync(1, ["short"], stream: "narrow")).Status,
            "a few bytes, when the reservation is used");
    }

    public static async Task ADeletedStreamFreesThePlacesOfItsOwners(Rig rig)
    {
        await rig.PrepareAsync();
        await rig.Store.OpenStreamAsync("narrow", new() { Partitions = 1, MaxItems = 1 });
        (Ownership owner, _) = await rig.TakeAsync();
        Expect.Equal(ReserveStatus.Reserved, await rig.Store.ReserveAsync(owner, "narrow", 1, 1), "the only place");
        await rig.Store.DeleteStreamAsync(Orders);
        Expect.Equal(AppendStatus.Accepted, (await rig.AppendAsync(1, ["x"], stream: "narrow")).Status,
            "an append when the stream of the owner is gone");
    }

    public static async Task PlacesInADeletedStreamAreNoneInTheNextOne(Rig rig)
    {
        await rig.PrepareAsync();
        StreamOptions two = new() { Partitions = 1, MaxItems = 2 };
        await rig.Store.OpenStreamAsync("narrow", two);
        await rig.AddAsync("a");
        (Ownership owner, _) = await rig.TakeAsync();
        await rig.LeaseAsync(owner);
        Expect.Equal(ReserveStatus.Reserved, await rig.Store.ReserveAsync(owner, "narrow", 2, 2), "both places");
        await rig.Store.DeleteStreamAsync("narrow");
        await rig.Store.OpenStreamAsync("narrow", two);
        using EntryBatch output = Batch("out");
        await rig.CommitAsync(new(owner, 1)
        {
            Settled = [new(1, 1)],
            Outputs = [new("narrow", output) { ReservedItems = 1, ReservedBytes = 1 }]
        });
        Expect.Equal(AppendStatus.Accepted, (await rig.AppendAsync(1, ["x"], stream: "narrow")).Status, "an append to the second place");
        Expect.Equal(AppendStatus.Full, (await rig.AppendAsync(2, ["y"], stream: "narrow")).Status, "an append beyond the bound");
        await rig.TakeAsync("b");
        Expect.Equal(AppendStatus.Full, (await rig.AppendAsync(2, ["y"], stream: "narrow")).Status,
            "an append beyond the bound, when the owner has lost its places");
    }
}
