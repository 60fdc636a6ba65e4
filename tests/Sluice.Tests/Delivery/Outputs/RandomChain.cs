using System.Collections.Concurrent;
using Sluice.Delivery;
using Sluice.Storage;

namespace Sluice.Tests.Delivery;

internal sealed record Parcel(int Number, int Key, int Hops, string Way);

/// <summary>A chain of consecutors drawn from a seed, over a store that outlives its processes.</summary>
internal sealed class RandomChain
{
    private static readonly string[] Shapes = ["line", "line", "diamond", "cycle"];

    private readonly int seed;
    private readonly Random random;
    private readonly IStreamStore store;
    private readonly Ledger ledger = new();
    private readonly ConcurrentQueue<BatchCompleted> ends = new();
    private readonly TaskCompletionSource ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ConcurrentDictionary<(string, int, int), byte> failed = new();
    private readonly string shape;
    private readonly int length, items, keys;
    private readonly bool isKeyed, fails;
    private readonly OutputMode mode;
    private readonly ConsecutorOptions options;

    public RandomChain(int seed, IStreamStore store, TimeProvider? time = null)
    {
        (this.seed, this.store, random) = (seed, store, new(seed));
        shape = Shapes[random.Next(Shapes.Length)];
        (length, items, keys) = (random.Next(2, 5), random.Next(1, 80), random.Next(1, 6));
        (isKeyed, fails) = (random.Next(2) == 0, random.Next(2) == 0);
        mode = shape != "cycle" && random.Next(3) == 0 ? OutputMode.Blocking : OutputMode.Asynchronous;
        options = new()
        {
            Delivery = DeliveryGuarantee.Replay(40, Backoff.None),
            Stream = new() { Partitions = random.Next(1, 4), MaxItems = random.Next(2) == 0 ? 1_000 : 10 },
            MaxInFlight = random.Next(1, 40),
            Run = new()
            {
                Time = time ?? TimeProvider.System,
                Mode = random.Next(3) == 0 ? ExecutionMode.SingleThread
                : ExecutionMode.MultiThread,
                MaxBufferedItems = random.Next(1, 20)
            },
        };
    }

    /// <summary>Called with true when all consecutors have started, and with false before they end.</summary>
    public Action<bool>? AtWork { get; init; }

    public override string ToString()
        => $"{shape} of {length}, {items} items, {(isKeyed ? "keyed" : "without keys")}, {mode}, {options.Stream}, "
        + $"capacity {options.MaxInFlight}";

    public async Task PlayAsync(CancellationToken cancellation)
    {
        // The sending process does not die; its stream has room for the items that are sent before the others start.
        List<Consecutor<Parcel>> senders = Make(store, new());
        ConsecutorBatch<Parcel> batch = await senders[0].OpenBatchAsync("all", cancellation);
        for (int n = 0; n < Math.Min(items, 8); n++) await batch.SendAsync(new(n, n % keys, 0, ""), cancellation);
        Task? sending = null;
        for (int life = random.Next(6); life >= 0; life--)
        {
            AtWork?.Invoke(false);
            var mortal = new MortalStore(store, life == 0 ? int.MaxValue : random.Next(1, 250), (Moment)random.Next(3));
            List<Consecutor<Parcel>> chain = Make(mortal, new());
            Task work = WorkAsync();
            await Task.WhenAny(work, mortal.Died);
            AtWork?.Invoke(false);
            if (!mortal.Died.IsCompleted)
            {
                try
                {
                    await work;
                }
                catch (Exception e)
                {
                    throw new InvalidOperationException(
                        $"It did not go on, although its store lives ({this}):\n{string.Join('\n', chain.Select(one => one.Snapshot()))}",
                            e);
                }
                foreach (Consecutor<Parcel> one in chain) await one.DisposeAsync();
                continue;
            }
            await Task.WhenAll(chain.Select(one => one.AbandonAsync()));
            await work.ContinueWith(static ended => _ = ended.Exception, CancellationToken.None, TaskContinuationOptions.None,
                TaskScheduler.Default);

            async Task WorkAsync()
            {
                foreach (Consecutor<Parcel> one in chain.OrderBy(_ => random.Next()).ToList()) await one.StartAsync(cancellation);
                AtWork?.Invoke(true);
                sending ??= SendAsync();
                await Task.WhenAny(ended.Task, mortal.Died).WaitAsync(cancellation);
                if (mortal.Died.IsCompleted) return;
                await sending;
                foreach (Consecutor<Parcel> one in chain) await one.WaitForIdleAsync(cancellation);
                foreach (Consecutor<Parcel> one in chain) Assert.Equal(0, one.Snapshot().Unaccounted);
            }
        }
        Check();

        async Task SendAsync()
        {
            for (int n = 8; n < items; n++) await batch.SendAsync(new(n, n % keys, 0, ""), cancellation);
            await batch.CloseAsync(cancellation);          // who has closed it is not known where an answer was lost
        }
    }

    private void Check()
    {
        IEnumerable<int> numbers = Enumerable.Range(0, items);
        (IEnumerable<string> lines, int entries) = shape switch
        {
            "diamond" => (numbers.SelectMany(n => new[] { $"{n}:{n % keys}:ab", $"{n}:{n % keys}:ac" }), 5 * items),
            "cycle" => (numbers.Select(n => $"{n}:{n % keys}:{string.Concat(Enumerable.Repeat("ab", 1 + (n % 3)))}"),
                numbers.Sum(n => 2 * (1 + (n % 3)))),
            _ => (numbers.Select(n => $"{n}:{n % keys}:{"abcd"[..(length - 1)]}"), length * items),
        };
        Assert.Equal(lines.Order(StringComparer.Ordinal), ledger.Lines.Order(StringComparer.Ordinal));
        Assert.All(ends, end => Assert.Equal(new("a", "all", entries, 0), end));
        if (shape != "line" || !isKeyed) return;
        foreach (IGrouping<string, int> key in ledger.Lines.Select(line => line.Split(':'))
            .GroupBy(line => line[1], line => int.Parse(line[0])))
            Assert.Equal(key.Order(), key);
    }

    /// <summary>The consecutors are called a, b, c, d; the last one writes the ledger.</summary>
    private List<Consecutor<Parcel>> Make(IStreamStore store, ExclusiveExecution process)
    {
        int count = shape switch { "diamond" => 4, "cycle" => 2, _ => length };
        List<Consecutor<Parcel>> chain = [];
        for (int i = 0; i < count; i++)
        {
            string name = "abcd"[i..(i + 1)];
            bool isLast = i == count - 1;
            chain.Add(new(name, source => Body(name, isLast, source),
                options with { Store = store, Process = process, OnBatchCompleted = isLast ? Ended : null })
            {
                Key = isKeyed ? parcel => $"{parcel.Key}" : null,
            });
        }
        if (shape == "diamond")
        {
            chain[0].Output<Parcel>("left").To(chain[1], mode);
            chain[0].Output<Parcel>("right").To(chain[2], mode);
            chain[3].From([chain[1].Output<Parcel>("next"), chain[2].Output<Parcel>("next")]);
        }
        else
        {
            for (int i = 0; i + 1 < count; i++) chain[i].Output<Parcel>("next").To(chain[i + 1], mode);
            if (shape == "cycle") chain[1].Output<Parcel>("again").To(chain[0]);
        }
        return chain;

        ValueTask Ended(BatchCompleted end, CancellationToken cancellation)
        {
            ends.Enqueue(end);
            ended.TrySetResult();
            return default;
        }
    }

    private Pipeline Body(string name, bool isLast, Source<Parcel> source)
    {
        Source<Parcel> worked = source | (parcel =>
        {
            if (fails && (parcel.Number * 31 + seed) % 7 == 0 && failed.TryAdd((name, parcel.Number, parcel.Hops), 0))
                throw new TimeoutException("not now");
            return parcel;
        });
        Sink<Parcel> book = Pipe.Of<Parcel>() | (parcel => $"{parcel.Number}:{parcel.Key}:{parcel.Way}") | ledger.Sink<string>();
        if (shape == "cycle" && isLast)
        {
            return worked | (parcel => parcel with { Hops = parcel.Hops + 1, Way = parcel.Way + name })
                | [Pipe.Of<Parcel>().Where(parcel => parcel.Hops <= parcel.Number % 3) | Sink.Output<Parcel>("again"),
                    Pipe.Of<Parcel>().Where(parcel => parcel.Hops > parcel.Number % 3) | book];
        }
        if (isLast) return worked | book;
        Source<Parcel> signed = worked | (parcel => parcel with { Way = parcel.Way + name });
        return shape == "diamond" && name == "a" ? signed | [Sink.Output<Parcel>("left"), Sink.Output<Parcel>("right")]
            : signed | Sink.Output<Parcel>("next");
    }
}
