using System.Globalization;
using System.Runtime.CompilerServices;
using Sluice.Tests.Delivery;

namespace Sluice.Tests.Producers;

/// <summary>
/// Tick producers whose process dies at random calls of the store, is restarted, and whose clock is set meanwhile. The accepted items are
/// compared with the ticks that passed.
/// </summary>
public class TickCrashTests
{
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);
    private static readonly DateTimeOffset Midnight = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    [Fact]
    public Task CatchUpAcceptsEveryTickOnceAndInOrderDespiteCrashes() => CrashLab.PlayAllAsync(150, async (seed, _) =>
    {
        var play = new Play(seed, MissedTickPolicy.CatchUp);
        await play.PlayAsync();
        List<string> expected = [.. Enumerable.Range(1, play.LastTick).SelectMany(play.Expected)];
        Assert.Equal(expected, play.Accepted);
        Assert.InRange(play.LastTick, play.DueTicks.DefaultIfEmpty().Max(), int.MaxValue);
        Assert.All(play.Starts, starts => Assert.InRange(starts, 1, 1 + play.Deaths + play.Drains));
    });

    [Fact]
    public Task SkipAcceptsEachFiredTickOnceAndWhollyDespiteCrashes() => CrashLab.PlayAllAsync(150, async (seed, _) =>
    {
        var play = new Play(seed, MissedTickPolicy.Skip);
        await play.PlayAsync();
        List<int> ticks = [.. play.Accepted.Select(static line => int.Parse(line.Split(':')[0], CultureInfo.InvariantCulture)).Distinct()];
        Assert.Equal(ticks.Order(), ticks);
        Assert.Equal(ticks.SelectMany(play.Expected), play.Accepted);
        Assert.Empty(play.DueTicks.Where(tick => play.Expected(tick).Any()).Except(ticks));
    });

    /// <summary>Several lives of one producer that fires every ten minutes.</summary>
    private sealed class Play
    {
        private readonly int seed;
        private readonly Random random;
        private readonly TickOptions options;
        private readonly int form;
        private readonly Dictionary<int, int> starts = [];

        public Play(int seed, MissedTickPolicy missed)
        {
            (this.seed, random) = (seed, new(seed));
            options = new() { Missed = missed, MaxJitter = random.Next(3) * 2 * Minute };
            form = random.Next(5);
        }

        public string[] Accepted { get; private set; } = [];

        public int Deaths { get; private set; }

        public int Drains { get; private set; }

        /// <summary>The last tick for which the function was called.</summary>
        public int LastTick { get; private set; }

        /// <summary>The ticks of the last life, in which the process does not die. They fire under both policies.</summary>
        public IEnumerable<int> DueTicks { get; private set; } = [];

        /// <summary>The number of calls of the function, for each tick.</summary>
        public IEnumerable<int> Starts => Enumerable.Range(1, LastTick).Select(tick => starts.GetValueOrDefault(tick));

        /// <summary>The items that must be accepted for a tick.</summary>
        public IEnumerable<string> Expected(int tick)
            => Enumerable.Range(0, Count(tick, 4)).Select(n => $"{tick}:{n}")
            .SelectMany(item => form switch { 3 => Unfold(item), 4 => Keep(item) ? [item] : [], _ => [item] });

        public async Task PlayAsync()
        {
            await using var lab = new TickLab();
            int lives = random.Next(1, 7);
            for (int life = lives; life >= 0; life--)
            {
                // The first life lasts long enough to store its beginning.
                MortalStore store = lab.Mortal(life == 0 ? int.MaxValue : random.Next(life == lives ? 12 : 1, 40), (Moment)random.Next(3));
                int firstDue = Math.Max(starts.Keys.DefaultIfEmpty().Max(), NumberOf(lab.Wall.GetUtcNow())) + 1;
                TickLab.Life begun = lab.Begin(Source(lab), store, random.Next());
                await begun.PassAsync((life == 0 ? 200 : random.Next(90)) * Minute, store.Died);
                if (life == 0)
                {
                    int lastDue = NumberOf(lab.Wall.GetUtcNow() - options.MaxJitter);
                    DueTicks = Enumerable.Range(firstDue, Math.Max(0, lastDue - firstDue + 1));
                }
                if (store.Died.IsCompleted || (life > 0 && random.Next(2) == 0))
                {
                    Deaths++;
                    await begun.KillAsync();
                }
                else
                {
                    Assert.False(begun.Run.Completion.IsCompleted, $"{begun.Run.Completion.Exception}");
                    Drains++;
                    await begun.StopAsync();
                }
                if (life > 0 && random.Next(2) == 0) lab.Pass(random.Next(90) * Minute);
                if (life > 0 && random.Next(3) == 0) lab.Wall.Jump(Math.Max(random.Next(-60, 61),
                    -(lab.Wall.GetUtcNow() - Midnight).TotalMinutes) * Minute);
            }
            Accepted = await lab.AcceptedAsync();
            LastTick = starts.Keys.DefaultIfEmpty().Max();
        }

        private static int NumberOf(DateTimeOffset time) => (int)((time - Midnight) / (10 * Minute));

        private Source<string> Source(TickLab lab)
        {
            Source<string> source = form % 2 == 0
                ? Sluice.Source.Every("clock", 10 * Minute, MakeAsync, options)
                : Sluice.Source.Cron("clock", "*/10 * * * *", MakeAsync, options);
            return form switch
            {
                1 => source | (item => item) | Stage.Parallel(3),
                2 => source | Stage.Buffer(2) | (item => item),
                3 => source.SelectMany(Unfold),
                4 => source.Where(Keep),
                _ => source,
            };

            async IAsyncEnumerable<string> MakeAsync(Tick tick, [EnumeratorCancellation] CancellationToken cancellation)
            {
                int number = NumberOf(tick.Time);
                starts[number] = starts.GetValueOrDefault(number) + 1;
                for (int n = 0; n < Count(number, 4); n++)
                {
                    if (n % 2 == 1) await Task.Yield();
                    yield return $"{number}:{n}";
                }
            }
        }

        private IEnumerable<string> Unfold(string item) => Enumerable.Range(0, Count(item[^1], 3)).Select(part => $"{item}/{part}");

        private bool Keep(string item) => Count(item[^1], 2) == 0;

        private int Count(int what, int below)
            => (int)((((uint)seed * 2654435761u) ^ ((uint)what * 2246822519u)) * 3266489917u >> 9) % below;
    }
}
