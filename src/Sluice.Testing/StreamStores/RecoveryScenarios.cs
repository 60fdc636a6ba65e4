using System.Collections.Concurrent;
using static Sluice.Testing.Rig;

namespace Sluice.Testing;

internal static class RecoveryScenarios
{
    public static Task KilledBeforeEveryCallNothingIsLostOrDoneTwice(Rig rig) => KilledAsync(rig, KillMoment.Before);

    public static Task KilledInsideEveryCallNothingIsLostOrDoneTwice(Rig rig) => KilledAsync(rig, KillMoment.Inside);

    public static Task KilledAfterEveryCallNothingIsLostOrDoneTwice(Rig rig) => KilledAsync(rig, KillMoment.After);

    // Kills the work at its first call, then at its second, and so on, or at a part of the calls; each time once more during recovery. The
    // calls are numbered alike in each run, so the first one is random: many runs take all.
    private static async Task KilledAsync(Rig rig, KillMoment moment)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(rig.KillStride, 1);
        bool wasKilled = true;
        for (int at = 1 + Random.Shared.Next(rig.KillStride); wasKilled; at += rig.KillStride)
        {
            var work = new SmallWork($"{moment}-{at}", 6);
            try
            {
                wasKilled = await DiesAsync(at);
                if (wasKilled) await DiesAsync(1 + (at % 12));
                await work.RunAsync(rig.Store);
                await work.CheckAsync(rig.Store);
            }
            catch (Exception failure)
            {
                throw new StreamStoreContractException($"with kills at call {at} and {1 + (at % 12)}: {failure.Message}", failure);
            }

            async Task<bool> DiesAsync(int call)
            {
                try
                {
                    await work.RunAsync(new KillingStore(rig.Store, call, moment));
                    return false;
                }
                catch (KilledException)
                {
                    await rig.ReopenAsync(kill: true);
                    return true;
                }
            }
        }
    }

    public static async Task ConcurrentCallersKeepTheBooks(Rig rig)
    {
        const int Producers = 4, Appends = 25;
        await rig.PrepareAsync(new() { Partitions = 4, MaxItems = 40 });
        await rig.Store.OpenReaderAsync(Orders, "keeps everything", new() { AppliesBackpressure = false });
        var places = new ConcurrentDictionary<string, (int Partition, long Sequence)>(StringComparer.Ordinal);
        Task producers = Task.WhenAll(Enumerable.Range(0, Producers).Select(ProduceAsync));
        Task[] consumers = [.. Enumerable.Range(0, 2).Select(ConsumeAsync)];
        foreach (Task consumer in consumers)         // one that fails makes no room, and says why
            await Expect.SoonAsync(Task.WhenAny(producers, consumer).Unwrap(), "all producers end", TimeSpan.FromMinutes(3));
        Expect.True(!consumers.Any(static consumer => consumer.IsCompletedSuccessfully),
            "no consumer is told of the end before the stream has ended");
        await rig.Store.EndStreamAsync(Orders, StreamEnd.Complete);
        await Expect.SoonAsync(Task.WhenAll(consumers), "all consumers end");

        List<string> results = [];
        for (long next = 1; results.Count < 2 * Producers * Appends;)
        {
            ReadResult read = await rig.Store.ReadAsync(new(Results, 0, next));
            if (read.Next == next) break;
            results.AddRange(Texts(read.Entries.ToArray()));
            next = read.Next;
        }
        IEnumerable<string> expected = Enumerable.Range(0, Producers)
            .SelectMany(producer => Enumerable.Range(0, 2 * Appends).Select(i => $"{producer}:{i}"));
        Expect.Same(expected.Order(StringComparer.Ordinal), results.Order(StringComparer.Ordinal), "results");
        Expect.Equal(0, await rig.BacklogAsync(), "outstanding entries");
        foreach (IGrouping<int, (int Partition, long Sequence)> partition in results.Select(result => places[result])
            .GroupBy(static place => place.Partition))
            Expect.Same(Enumerable.Range(1, partition.Count()).Select(static sequence => (long)sequence),
                partition.Select(static place => place.Sequence), $"the order of the results of partition {partition.Key}");

        async Task ProduceAsync(int producer)
        {
            await Task.Yield();
            for (int i = 0; i < Appends;)
            {
                long seen = await rig.Store.WaitForChangeAsync(Orders, -1);
                string[] pair = [$"{producer}:{2 * i}", $"{producer}:{(2 * i) + 1}"];
                AppendResult result = await rig.AppendAsync(1 + (2 * i), pair, producer: $"p{producer}");
                if (result.Status == AppendStatus.Accepted)
                {
                    EntryId first = result.First!.Value;
                    Expect.Same(pair, (await rig.ReadAsync(Orders, first.Sequence, first.Partition))[..2], "the pair at its place");
                    for (int part = 0; part < 2; part++) places[pair[part]] = (first.Partition, first.Sequence + part);
                    i++;
                }
                else if (result.Status == AppendStatus.Full) await rig.Store.WaitForChangeAsync(Orders, seen);
                else Expect.Equal(AppendStatus.Full, result.Status, "an append in order");
            }
        }

        async Task ConsumeAsync(int consumer)
        {
            await Task.Yield();
            Ownership[] owned = [(await rig.TakeAsync($"c{consumer}", consumer)).Owner,
                (await rig.TakeAsync($"c{consumer}", consumer + 2)).Owner];
            long[] commits = new long[2];
            while (true)
            {
                long seen = await rig.Store.WaitForChangeAsync(Orders, -1);
                LeaseResult lease = await rig.Store.LeaseAsync(new(owned) { MaxItems = 7 });
                foreach (LeasedBatch batch in lease.Batches)
                {
                    Entry[] entries = batch.Entries.ToArray();
                    using EntryBatch output = Batch(Texts(entries));
                    await rig.CommitAsync(new(batch.Owner, ++commits[Array.IndexOf(owned, batch.Owner)])
                    {
                        Settled = [new(entries[0].Sequence, entries[^1].Sequence)],
                        Outputs = [new(Results, output)],
                    });
                }
                if (lease.IsEnded) return;
                if (lease.Batches.Count == 0) await rig.Store.WaitForChangeAsync(Orders, seen);
            }
        }
    }
}
