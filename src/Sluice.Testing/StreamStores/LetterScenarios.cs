using static Sluice.Testing.Rig;

namespace Sluice.Testing;

internal static class LetterScenarios
{
    public static async Task DeadLettersAreListedInPagesAndByNode(Rig rig)
    {
        await BuryAsync(rig);
        await rig.ReopenAsync(kill: true);
        Expect.Same([(1L, "a", "parse"), (2L, "b", "save"), (3L, "c", "parse")], Show(await rig.Store.ListDeadAsync(Main)), "all letters");
        Expect.Same([(3L, "c", "parse")], Show(await rig.Store.ListDeadAsync(Main, after: 2)), "the second page");
        Expect.Same([(1L, "a", "parse")], Show(await rig.Store.ListDeadAsync(Main, "parse", max: 1)), "the first of a node");
        StoredDeadLetter letter = (await rig.Store.ListDeadAsync(Main))[1];
        Expect.Equal(("it broke", 2, "parse > save", 2L, 0), (letter.Error, letter.Attempts, letter.Path, letter.Root, letter.Partition),
            "what a letter says");
        StreamInfo stream = (await rig.Store.FindStreamAsync(Orders))!;
        Expect.Equal((0L, 3L), (stream.Groups[0].Outstanding, stream.Groups[0].Dead), "outstanding entries and dead letters");

        static IEnumerable<(long, string, string)> Show(IEnumerable<StoredDeadLetter> letters)
            => letters.Select(letter => (letter.Number, Text(letter.Entry), letter.Node));
    }

    public static async Task ARedrivenRootIsProcessedAgain(Rig rig)
    {
        Ownership owner = await BuryAsync(rig);
        Expect.Equal(2, await rig.Store.RedriveAsync(Main, [1, 3, 99]), "redriven letters");
        Expect.Equal(0, await rig.Store.RedriveAsync(Main, [1, 3]), "the same, redriven again");
        await rig.ReopenAsync(kill: true);
        Expect.Same([2L], (await rig.Store.ListDeadAsync(Main)).Select(letter => letter.Number), "letters left");
        Expect.Equal(2, await rig.BacklogAsync(), "outstanding entries");
        Entry[] leased = await rig.LeaseAsync(owner);
        Expect.Same([(-1L, "a", 1), (-2L, "c", 1)], leased.Select(entry => (entry.Sequence, Text(entry), entry.Attempt)),
            "what the owner leases, without taking anew");
        await rig.CommitAsync(new(owner, 2) { Settled = [new(-1, -1), new(-2, -2)], Dead = [new(-2, "parse", "again", 1)] });
        Expect.Same([2L, 4], (await rig.Store.ListDeadAsync(Main)).Select(letter => letter.Number), "letters, after one has died again");
        Expect.Equal(0, await rig.BacklogAsync(), "outstanding entries at the end");
    }

    public static async Task ARedrivenPartEntersWithItsOwnPayload(Rig rig)
    {
        await rig.PrepareAsync();
        using var batch = new EntryBatch { CodeVersion = 5, FlowVersion = 6 };
        batch.Add(Bytes("root").Span, EntryKey.Of("key"), Bytes("root's headers").Span);
        await rig.Store.AppendAsync(new(Orders, "p", 0, 1, batch));
        (Ownership owner, _) = await rig.TakeAsync();
        await rig.LeaseAsync(owner);
        await rig.CommitAsync(new(owner, 1)
        {
            Settled = [new(1, 1)],
            Dead = [new(1, "save", "part", 1) { Payload = Bytes("part"), Headers = Bytes("enter at save") }, new(1, "send", "whole", 1)],
        });
        await rig.Store.RedriveAsync(Main, [1, 2]);
        Entry[] leased = await rig.LeaseAsync(owner);
        Expect.Same([("part", "enter at save"), ("root", "root's headers")],
            leased.Select(entry => (Text(entry), System.Text.Encoding.UTF8.GetString(entry.Headers.Span))), "payloads and headers");
        Expect.True(leased.All(entry => (entry.Key, entry.CodeVersion, entry.FlowVersion) == (EntryKey.Of("key"), 5, 6)),
            "key and versions are the root's");
    }

    public static async Task DeletedLettersAreGone(Rig rig)
    {
        await BuryAsync(rig);
        Expect.Equal(1, await rig.Store.DeleteDeadAsync(Main, [2, 77]), "deleted letters");
        Expect.Equal(0, await rig.Store.RedriveAsync(Main, [2]), "redriven letters of those deleted");
        await rig.ReopenAsync(kill: true);
        Expect.Same([1L, 3], (await rig.Store.ListDeadAsync(Main)).Select(letter => letter.Number), "letters left");
        await Expect.ThrowsAsync<ArgumentException>(() => rig.Store.RedriveAsync(Main, [.. Enumerable.Range(1, 1001).Select(i => (long)i)])
            .AsTask(), "redriving 1,001 at once");
    }

    public static async Task ALetterThatIsNamedTwiceCountsOnce(Rig rig)
    {
        Ownership owner = await BuryAsync(rig);
        Expect.Equal(1, await rig.Store.RedriveAsync(Main, [1, 1]), "redriven letters");
        Expect.Same(["a"], Texts(await rig.LeaseAsync(owner)), "what is leased");
        Expect.Equal(1, await rig.BacklogAsync(), "outstanding entries");
        Expect.Equal(2, await rig.Store.DeleteDeadAsync(Main, [2, 3, 2, 1]), "deleted letters");
        Expect.Equal(0L, (await rig.Store.FindStreamAsync(Orders))!.Groups[0].Dead, "letters left");
    }

    private static async Task<Ownership> BuryAsync(Rig rig)
    {
        Ownership owner = await rig.LeaseNewAsync("a", "b", "c");
        await rig.CommitAsync(new(owner, 1)
        {
            Settled = [new(1, 3)],
            Dead = [new(1, "parse", "no number", 1), new(2, "save", "it broke", 2) { Path = "parse > save" },
                new(3, "parse", "no number", 1)],
        });
        return owner;
    }
}
