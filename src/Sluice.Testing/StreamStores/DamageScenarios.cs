using System.Buffers.Binary;
using System.Runtime.InteropServices;
using static Sluice.Testing.Rig;

namespace Sluice.Testing;

internal static class DamageScenarios
{
    private static readonly string[] Payloads = ["entry one, as it was sent", "entry two, as it was sent", "entry three, as it was sent",
        "entry four, as it was sent"];

    public static Task ADamagedEntryIsNamedAndTheOthersAreLeased(Rig rig) => AnEntryIsNamed(rig, isDeleted: false);

    public static Task ADeletedEntryIsNamedAndTheOthersAreLeased(Rig rig) => AnEntryIsNamed(rig, isDeleted: true);

    public static Task ADamagedEntryOfADeadOwnerIsASuspectLikeTheOthers(Rig rig) => AnEntryOfADeadOwnerIsASuspect(rig, isDeleted: false);

    public static Task ADeletedEntryOfADeadOwnerIsASuspectLikeTheOthers(Rig rig) => AnEntryOfADeadOwnerIsASuspect(rig, isDeleted: true);

    public static Task OtherPartitionsAreLeasedBesideDamage(Rig rig) => OtherPartitionsAreLeased(rig, isDeleted: false);

    public static Task OtherPartitionsAreLeasedBesideADeletedEntry(Rig rig) => OtherPartitionsAreLeased(rig, isDeleted: true);

    public static Task AReadEndsBeforeADamagedEntry(Rig rig) => AReadEndsBefore(rig, isDeleted: false);

    public static Task AReadEndsBeforeADeletedEntry(Rig rig) => AReadEndsBefore(rig, isDeleted: true);

    public static async Task ADeletedLastEntryIsNamed(Rig rig)
    {
        await rig.PrepareAsync();
        foreach (string payload in Payloads) await rig.AddAsync(payload);
        if (!await rig.DamageAsync(4, Payloads[3], isDeleted: true)) return;
        await rig.AddAsync("entry five, behind the one that is gone");
        (Ownership owner, _) = await rig.TakeAsync();
        LeaseResult lease = await rig.Store.LeaseAsync(new([owner]));
        Expect.Same([.. Payloads[..3], "entry five, behind the one that is gone"],
            Texts(lease.Batches.SelectMany(batch => batch.Entries.ToArray())), "what is leased besides");
        Expect.Same([new SequenceRange(4, 4)], lease.Damaged.Select(damage => damage.Entries), "what is gone");
        Expect.True((await rig.Store.CheckAsync()).Problems.Any(problem => problem.Contains("orders/0/4", StringComparison.Ordinal)),
            "a check finds it");
        await rig.CommitAsync(new(owner, 1) { Settled = [new(1, 5)], Dead = [Letter(lease.Damaged[0])] });
        Expect.Equal(0, await rig.BacklogAsync(), "what is left");
    }

    public static async Task AnEntryWithAWrongLengthOfItsHeadersIsNamed(Rig rig)
    {
        await rig.PrepareAsync();
        await rig.AddAsync(Payloads[0]);
        foreach (int length in (int[])[-1, Payloads[1].Length + 1, int.MaxValue]) await AddWithHeadersAsync(rig, Payloads[1], length);
        await rig.AddAsync(Payloads[2]);
        (Ownership owner, _) = await rig.TakeAsync();
        LeaseResult lease = await rig.Store.LeaseAsync(new([owner]));
        Expect.Same([Payloads[0], Payloads[2]], Texts(lease.Batches.SelectMany(batch => batch.Entries.ToArray())),
            "what is leased besides");
        Expect.Same([2L, 3L, 4L], lease.Damaged.SelectMany(damage => Enumerable.Range(0, (int)damage.Entries.Count)
            .Select(i => damage.Entries.First + i)).Order(), "what is damaged");
        IReadOnlyList<string> problems = (await rig.Store.CheckAsync()).Problems;
        Expect.Same([true, true, true], ((long[])[2, 3, 4]).Select(sequence => problems.Any(problem
            => problem.Contains($"orders/0/{sequence}", StringComparison.Ordinal))), "what a check finds");
        await rig.CommitAsync(new(owner, 1) { Settled = [new(1, 5)], Dead = [.. lease.Damaged.Select(Letter)] });
        Expect.Equal((0L, lease.Damaged.Count), (await rig.BacklogAsync(), (await rig.Store.ListDeadAsync(Main)).Count),
            "what is left, and letters");
    }

    // With a right checksum: a defect or another program has written the entry so.
    private static async Task AddWithHeadersAsync(Rig rig, string payload, int length)
    {
        ProducerState producer = await rig.Store.OpenProducerAsync(Orders, "adder");
        using EntryBatch batch = Batch(payload);
        Span<byte> record = MemoryMarshal.AsMemory(batch.RecordAt(0)).Span;
        BinaryPrimitives.WriteInt32LittleEndian(record[24..], length);
        BinaryPrimitives.WriteUInt32LittleEndian(record[4..], EntryChunk.Checksum(record[8..]));
        await rig.Store.AppendAsync(new(Orders, "adder", producer.Epoch, producer.Last + 1, batch));
    }

    private static async Task AReadEndsBefore(Rig rig, bool isDeleted)
    {
        if (!await AddAndDamageAsync(rig, isDeleted)) return;
        ReadResult read = await rig.Store.ReadAsync(new(Orders, 0, 1));
        Expect.Same([Payloads[0]], Texts(read.Entries.ToArray()), "what is before the damaged entry");
        Expect.Equal((2L, false), (read.Next, read.End is not null), "the position of the next read, and whether it is the end");
        await Expect.ThrowsAsync<StreamStoreException>(async () => await rig.Store.ReadAsync(new(Orders, 0, read.Next)),
            "reading the damaged entry");
        read = await rig.Store.ReadAsync(new(Orders, 0, 3));
        Expect.Same(Payloads[2..], Texts(read.Entries.ToArray()), "what is behind it");
    }

    private static async Task AnEntryIsNamed(Rig rig, bool isDeleted)
    {
        if (!await AddAndDamageAsync(rig, isDeleted)) return;
        (Ownership owner, _) = await rig.TakeAsync();
        LeaseDamage damage = await LeaseAsync(rig, owner, [Payloads[0], Payloads[2], Payloads[3]]);
        Expect.True(damage.Message.Contains("orders/0/2", StringComparison.Ordinal), $"the message names the entry ({damage.Message})");
        IReadOnlyList<string> problems = (await rig.Store.CheckAsync()).Problems;
        Expect.True(problems.Any(static problem => problem.Contains("orders/0/2", StringComparison.Ordinal)),
            $"a check finds the entry ({string.Join(" ", problems)})");
        await BuryAsync(rig, owner, damage, new SequenceRange(1, 4));
        Expect.True((await rig.Store.CheckAsync()).Problems.Count <= 1, "a check may still find the entry, and nothing else");
    }

    public static async Task AReleaseGivesDamagedEntriesBack(Rig rig)
    {
        if (!await AddAndDamageAsync(rig)) return;
        for (int i = 0; i < 2; i++)
        {
            (Ownership owner, PartitionState state) = await rig.TakeAsync();
            Expect.Equal((0L, 0), (state.Dispatched, state.Waiting.Count), "what was dispatched, and what waits");
            await LeaseAsync(rig, owner, [Payloads[0], Payloads[2], Payloads[3]]);
            Expect.True(await rig.Store.ReleaseAsync(owner), "a release");
        }
    }

    private static async Task AnEntryOfADeadOwnerIsASuspect(Rig rig, bool isDeleted)
    {
        await rig.PrepareAsync();
        foreach (string payload in Payloads) await rig.AddAsync(payload);
        (Ownership owner, _) = await rig.TakeAsync();
        await rig.LeaseAsync(owner, 3);
        if (!await rig.DamageAsync(2, Payloads[1], kill: true, isDeleted)) return;
        (owner, PartitionState state) = await rig.TakeAsync();
        Expect.Same([(1L, WaitingStatus.Suspect), (2L, WaitingStatus.Suspect), (3L, WaitingStatus.Suspect)],
            state.Waiting.Select(entry => (entry.Entry.Sequence, entry.Status)), "suspects");
        Quarantine quarantine = (await rig.Store.AcquireQuarantineAsync(Main, "a", 0))!.Value;
        Expect.Same([Payloads[0]], Texts(await rig.LeaseAsync(owner, 1, quarantine)), "the first suspect");
        await rig.SettleAsync(owner, 1, 1);
        LeaseResult lease = await rig.Store.LeaseAsync(new([owner]) { MaxItems = 1, Quarantine = quarantine });
        Expect.Equal((0, 1), (lease.Batches.Count, lease.Damaged.Count), "batches, and what is damaged");
        Expect.Equal((new SequenceRange(2, 2), 1), (lease.Damaged[0].Entries, lease.Damaged[0].Attempt),
            "the damaged suspect, and its attempt");
        await rig.CommitAsync(new(owner, 2) { Settled = [new(2, 2)], Dead = [Letter(lease.Damaged[0])] });
        Expect.Same([Payloads[2]], Texts(await rig.LeaseAsync(owner, 1, quarantine)), "the suspect behind it");
        await rig.SettleAsync(owner, 3, 3);
        Expect.Same([Payloads[3]], Texts(await rig.LeaseAsync(owner)), "what was never leased");
        Expect.Equal(1, (await rig.Store.ListDeadAsync(Main)).Count, "letters");
    }

    public static async Task ADamagedRetryIsNamed(Rig rig)
    {
        await rig.PrepareAsync();
        foreach (string payload in Payloads) await rig.AddAsync(payload);
        (Ownership owner, _) = await rig.TakeAsync();
        await rig.LeaseAsync(owner, 2);
        await rig.CommitAsync(new(owner, 1) { Settled = [new(1, 1)], Deferred = [new(2, 1, Second, "node", "error")] });
        await rig.Store.ReleaseAsync(owner);
        if (!await rig.DamageAsync(2, Payloads[1])) return;
        (owner, PartitionState state) = await rig.TakeAsync();
        Expect.Same([(2L, WaitingStatus.Retrying)], state.Waiting.Select(entry => (entry.Entry.Sequence, entry.Status)), "what waits");
        await rig.PassAsync(2 * Second);
        LeaseDamage damage = await LeaseAsync(rig, owner, [Payloads[2], Payloads[3]]);
        Expect.Equal(2, damage.Attempt, "the attempt");
        await rig.CommitAsync(new(owner, 2) { Settled = [new(2, 4)], Dead = [Letter(damage)] });
        Expect.Equal(0, await rig.BacklogAsync(), "what is left");
    }

    public static async Task ADamagedLetterIsListedWithoutItsPayload(Rig rig)
    {
        await rig.PrepareAsync();
        foreach (string payload in Payloads) await rig.AddAsync(payload);
        (Ownership owner, _) = await rig.TakeAsync();
        await rig.LeaseAsync(owner, 4);
        await rig.CommitAsync(new(owner, 1)
        {
            Settled = [new(1, 4)],
            Dead = [new(1, "node", "error 1", 1), new(2, "node", "error 2", 1), new(3, "node", "error 3", 1)],
        });
        if (!await rig.DamageAsync(2, Payloads[1])) return;
        IReadOnlyList<StoredDeadLetter> letters = await rig.Store.ListDeadAsync(Main);
        Expect.Same([("error 1", Payloads[0].Length), ("error 2", 0), ("error 3", Payloads[2].Length)],
            letters.Select(letter => (letter.Error, letter.Entry.Payload.Length)), "errors, and lengths of payloads");
        Expect.Same([false, true, false], letters.Select(letter => letter.IsUnreadable), "which letters say that they are unreadable");
        Expect.Equal(2, await rig.Store.RedriveAsync(Main, [letters[0].Number, letters[2].Number]), "sound letters that are redriven");
        if (await IsRefusedAsync(async () => await rig.Store.RedriveAsync(Main, [letters[1].Number])))
        {
            Expect.Same(["error 2"], (await rig.Store.ListDeadAsync(Main)).Select(letter => letter.Error),
                "letters that are left when a redrive of a damaged one was refused");
            Expect.Equal(1, await rig.Store.DeleteDeadAsync(Main, [letters[1].Number]), "damaged letters that are deleted");
            return;
        }
        (owner, _) = await rig.TakeAsync("b");
        LeaseResult lease = await rig.Store.LeaseAsync(new([owner]));
        Expect.Same([Payloads[0], Payloads[2]], Texts(lease.Batches.SelectMany(batch => batch.Entries.ToArray())),
            "what is leased beside the entry of a damaged letter that was redriven");
        Expect.Equal(1L, lease.Damaged.Sum(damage => damage.Entries.Count), "damaged entries of damaged letters that were redriven");
    }

    private static async Task OtherPartitionsAreLeased(Rig rig, bool isDeleted)
    {
        await rig.PrepareAsync(new() { Partitions = 2 });
        string?[] first = [null, null];
        for (int i = 0; first.Contains(null); i++)
        {
            string payload = $"an entry of a partition, number {i}";
            using var batch = new EntryBatch();
            EntryKey key = EntryKey.Of($"{i}");
            batch.Add(Bytes(payload).Span, key);
            await rig.Store.AppendAsync(new(Orders, $"p{i}", 0, 1, batch));
            first[key.PartitionOf(2)] ??= payload;
        }
        if (!await rig.DamageAsync(1, first[0]!, isDeleted: isDeleted)) return;
        Ownership[] owned = [(await rig.TakeAsync(partition: 0)).Owner, (await rig.TakeAsync(partition: 1)).Owner];
        LeaseResult lease = await rig.Store.LeaseAsync(new(owned));
        Expect.Same([(owned[0], new SequenceRange(1, 1))], lease.Damaged.Select(damage => (damage.Owner, damage.Entries)),
            "what is damaged");
        Expect.True(Texts(lease.Batches.Single(batch => batch.Owner == owned[1]).Entries.ToArray())[0] == first[1],
            "the other partition is leased from its first entry on");
    }

    // Each entry is in a chunk of its own, because a damaged store may lose a whole chunk.
    private static async Task<bool> AddAndDamageAsync(Rig rig, bool isDeleted = false)
    {
        await rig.PrepareAsync();
        foreach (string payload in Payloads) await rig.AddAsync(payload);
        return await rig.DamageAsync(2, Payloads[1], isDeleted: isDeleted);
    }

    private static async Task<LeaseDamage> LeaseAsync(Rig rig, Ownership owner, string[] expected)
    {
        LeaseResult lease = await rig.Store.LeaseAsync(new([owner]));
        Expect.Same(expected, Texts(lease.Batches.SelectMany(batch => batch.Entries.ToArray())), "what is leased besides");
        Expect.Same([new SequenceRange(2, 2)], lease.Damaged.Select(damage => damage.Entries), "what is damaged");
        Expect.Equal(false, lease.IsEnded, "whether the stream is at its end");
        return lease.Damaged[0];
    }

    private static async Task BuryAsync(Rig rig, Ownership owner, LeaseDamage damage, SequenceRange settled)
    {
        await rig.CommitAsync(new(owner, 1) { Settled = [settled], Dead = [Letter(damage)] });
        await rig.ReopenAsync(kill: true);
        StoredDeadLetter letter = (await rig.Store.ListDeadAsync(Main)).Single();
        Expect.Equal((damage.Entries.First, damage.Message, damage.Raw.Length), (letter.Root, letter.Error, letter.Entry.Payload.Length),
            "entry, error and length of the letter");
        Expect.Equal(0, await rig.BacklogAsync(), "what is left");
        Expect.Equal(1, await rig.Store.RedriveAsync(Main, [letter.Number]), "letters that were redriven");
    }

    private static DeadLetterWrite Letter(LeaseDamage damage)
        => new(damage.Entries.First, "node", damage.Message, damage.Attempt)
        {
            IsDamaged = true,
            Payload = damage.Raw,
            Headers = ReadOnlyMemory<byte>.Empty
        };
}
