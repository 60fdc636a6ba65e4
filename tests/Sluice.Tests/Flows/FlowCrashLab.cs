using Sluice.Tests.Deliveries;

namespace Sluice.Tests.Flows;

/// <summary>A flow of all kinds of processors over a store that survives. The service that hosts it dies at random calls of the store and comes back: the results are those of an undisturbed run.</summary>
internal sealed class FlowCrashLab(int seed, IStreamStore store, int lives = 12)
{
    private const int Items = 300;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private static readonly Processor Maker = new("maker") { Inputs = ["n"], Outputs = ["x"] };
    private static readonly Processor Odd = new("odd") { Inputs = ["x"], Outputs = ["odds"], Resume = Resume.PerItem };
    private static readonly Processor Squares = new("squares") { Inputs = ["x"], Outputs = ["square"], Resume = Resume.PerItem };
    private static readonly Processor Running = new("running") { Inputs = ["odds"], Outputs = ["sums"], Resume = Resume.Checkpoint };
    private static readonly Processor Joined = new("joined") { Inputs = ["square", "sums"], Outputs = ["pairs"] };
    private static readonly Processor Mixed = new("mixed") { Inputs = ["odds", "square"], Outputs = ["mix"] };
    private static readonly Processor Total = new("total") { Inputs = ["x"], Outputs = ["total"], Wait = true };

    private static readonly Flow Everything = Flow.From(Maker, Odd, Squares, Running, Joined, Mixed, Total)
        .With("x", new() { MaxItems = 40 }).With("odds", new() { MaxItems = 20 }).Resolve();

    public async Task PlayAsync(CancellationToken cancellation)
    {
        var random = new Random(seed);
        await using var starter = Supervisor.Attach(store, new() { Name = "starter" });
        await using FlowRun run = await starter.StartAsync(Everything, [IOVal.Of("n", Items)], allOutputs: true, cancellation: cancellation);
        Task<List<string>>[] results = [.. Everything.Processors.SelectMany(processor => processor.Outputs).Select(output => ReadAsync(run, output, cancellation))];
        Task all = Task.WhenAll([.. results, run.Completion]);

        for (int life = random.Next(lives); !all.IsCompleted; life--)
        {
            var mortal = new MortalStore(store, life <= 0 ? int.MaxValue : random.Next(1, 400), (Moment)random.Next(3));
            var host = Supervisor.Attach(mortal, new() { Name = "host", MaxStarts = int.MaxValue });
            Register(host);
            try
            {
                await Task.WhenAny(all, mortal.Died).WaitAsync(Patience, cancellation);
            }
            catch (TimeoutException)
            {
                throw new InvalidOperationException($"It hangs:\n{(await run.GetStatusAsync(cancellation)).ToText()}");
            }
            if (mortal.Died.IsCompleted) await host.AbandonAsync();
            else await host.DisposeAsync();
        }

        await all;
        List<string> x = [.. Enumerable.Range(0, Items).Select(i => $"{i}")];
        List<string> odds = [.. Enumerable.Range(0, Items).Where(i => i % 2 == 1).Select(i => $"{i}")];
        List<string> squares = [.. Enumerable.Range(0, Items).SelectMany(i => new[] { $"{i * i}", $"-{i * i}" }), "end"];
        List<string> sums = [.. odds.Select(int.Parse).Aggregate(new List<int>(), (list, odd) => [.. list, odd + list.LastOrDefault()]).Select(sum => $"{sum}")];
        Assert.Equal(x, await results[0]);
        Assert.Equal(odds, await results[1]);
        Assert.Equal(squares, await results[2]);
        Assert.Equal(sums, await results[3]);
        Assert.Equal(squares.Zip(sums, (square, sum) => $"{square}/{sum}"), await results[4]);
        Assert.Equal(odds, (await results[5]).Where(text => text.StartsWith("odds", StringComparison.Ordinal)).Select(text => text[5..]));
        Assert.Equal(squares, (await results[5]).Where(text => text.StartsWith("square", StringComparison.Ordinal)).Select(text => text[7..]));
        Assert.Equal([$"{Items * (Items - 1) / 2}"], await results[6]);
    }

    private static async Task<List<string>> ReadAsync(FlowRun run, string output, CancellationToken cancellation)
    {
        List<string> values = [];
        await foreach (string value in run.Output<string>(output).StreamAsync(cancellation)) values.Add(value);
        return values;
    }

    private static void Register(Supervisor host)
    {
        host.Register(Maker, async (IO<int> n, IOWriter<string> x, CancellationToken cancellation) =>
        {
            int count = await n.FirstAsync(cancellation);
            for (int i = 0; i < count; i++) await x.WriteAsync($"{i}", cancellation);
        });
        host.Register(Odd, async (IO<string> x, IOWriter<string> odds, CancellationToken cancellation) =>
        {
            await foreach (string value in x.StreamAsync(cancellation))
                if (int.Parse(value) % 2 == 1) await odds.WriteAsync(value, cancellation);
        });
        host.Register(Squares, SquareAsync);
        host.Register(Running, async (IO<string> odds, IOWriter<string> sums, Checkpoint<int> sum, CancellationToken cancellation) =>
        {
            int now = sum.Value, count = 0;
            await foreach (string value in odds.StreamAsync(cancellation))
            {
                await sums.WriteAsync($"{now += int.Parse(value)}", cancellation);
                if (++count % 7 == 0) await sum.SaveAsync(now, cancellation);
            }
        });
        host.Register(Joined, JoinAsync);
        host.Register(Mixed, async (IO<string> odds, IO<string> square, IOWriter<string> mix, CancellationToken cancellation) =>
        {
            await foreach (var (name, value) in odds.Merge([square], cancellation)) await mix.WriteAsync($"{name} {value}", cancellation);
        });
        host.Register(Total, async (IO<string> x, CancellationToken cancellation) =>
        {
            int sum = 0;
            await foreach (string value in x.StreamAsync(cancellation)) sum += int.Parse(value);
            return $"{sum}";
        });

        static async IAsyncEnumerable<IOVal> SquareAsync(IO<string> x, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellation)
        {
            await foreach (string value in x.StreamAsync(cancellation))
            {
                int square = int.Parse(value) * int.Parse(value);
                yield return IOVal.Of("square", $"{square}");
                yield return IOVal.Of("square", $"-{square}");
            }
            yield return IOVal.Of("square", "end");          // behind the last item: part of the commit that ends it
        }

        static async IAsyncEnumerable<IOVal> JoinAsync(IO<string> square, IO<string> sums, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellation)
        {
            await foreach (var (first, second) in square.Zip(sums, cancellation: cancellation)) yield return IOVal.Of("pairs", $"{first}/{second}");
        }
    }
}
