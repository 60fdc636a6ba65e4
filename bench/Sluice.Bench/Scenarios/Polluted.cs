using System.Reactive.Linq;

namespace Sluice.Bench;

/// <summary>
/// The work of <see cref="Fused"/> in a process that has run pipelines of other types before: what the runtime has learned of the shared
/// code then fits no single type. Each library runs its own pipelines of the same types.
/// </summary>
/// <remarks>It stands last in the catalogue, because the scenarios after it would be measured in such a process, too.</remarks>
internal static class Polluted
{
    private const int Rounds = 40, Items = 2_000;

    private static readonly Lazy<Task> Ours = new(() => EachTypeAsync(new Pipelines()));
    private static readonly Lazy<Task> OfRx = new(() => EachTypeAsync(new Observables()));
    private static readonly Lazy<Task> OfLinq = new(() => EachTypeAsync(new Queries()));

    public static Scenario Scenario { get; } = new("polluted", "10 synchronous maps, after pipelines of seven other types",
    [
        new Comparison("polluted", 5_000_000, 2_000_000, Maps.ExpectedSum,
        [
            Variant.OfTask(Variant.Ours, count => AfterAsync(Ours, () => Fused.SluiceAsync(count))),
            Variant.OfTask("rx", count => AfterAsync(OfRx, () => Task.FromResult(Fused.Rx(count)))),
            Variant.OfTask("linq", count => AfterAsync(OfLinq, () => Task.FromResult(Fused.Linq(count)))),
        ]),
    ]);

    private static async Task<double> AfterAsync(Lazy<Task> others, Func<Task<double>> runAsync)
    {
        await others.Value;
        return await runAsync();
    }

    // More rounds than the calls after which the runtime compiles again.
    private static async Task EachTypeAsync(Library library)
    {
        for (int round = 0; round < Rounds; round++)
        {
            await library.RunAsync(static n => $"{n}", static text => text + "!", static text => text.Length);
            await library.RunAsync(static n => (double)n, static n => n * 0.5, static n => (long)n);
            await library.RunAsync(static n => (decimal)n, static n => n + 1, static n => (long)n);
            await library.RunAsync(static n => (int)n, static n => n ^ 1, static n => n);
            await library.RunAsync(static n => new Pair(n, n), static pair => new(pair.B, pair.A), static pair => pair.A);
            await library.RunAsync(static n => new Order(n, "open"), static order => order with { State = "" }, static order => order.Id);
            await library.RunAsync(static n => (long[])[n], static list => [list[0] + 1], static list => list[0]);
        }
    }

    private readonly record struct Pair(long A, long B);

    private sealed record Order(long Id, string State);

    private abstract class Library
    {
        /// <summary>Runs numbers that become another type, pass two maps and a filter, and become numbers again.</summary>
        public abstract Task RunAsync<T>(Func<long, T> make, Func<T, T> step, Func<T, long> end);
    }

    private sealed class Pipelines : Library
    {
        public override async Task RunAsync<T>(Func<long, T> make, Func<T, T> step, Func<T, long> end)
        {
            long sum = 0;
            Pipeline pipeline = (Source.Range(0, Items) | make | step | step).Where(static item => item is not null)
                | end | (number => { sum += number; });
            await pipeline.RunAsync(Chain.OnThisThread);
        }
    }

    private sealed class Observables : Library
    {
        public override Task RunAsync<T>(Func<long, T> make, Func<T, T> step, Func<T, long> end)
        {
            long sum = 0;
            using IDisposable run = Numbers.Observable(Items).Select(make).Select(step).Select(step).Where(static item => item is not null)
                .Select(end).Subscribe(number => sum += number);
            return Task.CompletedTask;
        }
    }

    private sealed class Queries : Library
    {
        public override Task RunAsync<T>(Func<long, T> make, Func<T, T> step, Func<T, long> end)
        {
            long sum = 0;
            foreach (long number in Numbers.Range(Items).Select(make).Select(step).Select(step).Where(static item => item is not null)
                .Select(end)) sum += number;
            return Task.CompletedTask;
        }
    }
}
