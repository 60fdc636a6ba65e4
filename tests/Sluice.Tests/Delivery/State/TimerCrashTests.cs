using System.Collections.Concurrent;
using Sluice.Diagnostics;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>Nodes with stored timers, written as users would write them, whose process dies at random calls of the store: what comes out is
/// compared with what a loop would make of the same script.</summary>
public class TimerCrashTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public Task ATrailingDebounceByKeyIsExact() => CrashLab.PlayAllAsync(60,
        (seed, _) => PlayAsync(seed, static () => new Trailing(), static () => new TrailingOracle()));

    [Fact]
    public Task ATimeoutByKeyIsExact() => CrashLab.PlayAllAsync(60,
        (seed, _) => PlayAsync(seed, static () => new Reminder(), static () => new ReminderOracle()));

    /// <summary>Items arrive while the clock stands still. The clock advances when all items have ended; then the test waits for all due
    /// timers. A process may die at any call in between.</summary>
    private static async Task PlayAsync(int seed, Func<TimedStageNode<int, string, List<int>>> node, Func<Oracle> oracleOf)
    {
        var random = new Random(seed);
        int keys = random.Next(1, 12), lanes = random.Next(3) == 0 ? 3 : 0;
        bool isKeyed = lanes == 0 || random.Next(2) == 0;
        var script = new List<(int[] Items, TimeSpan Wait)>();
        for (int phase = random.Next(2, 7); phase >= 0; phase--)
            script.Add(([.. Enumerable.Range(0, random.Next(0, 40)).Select(_ => random.Next(1_000))],
                TimeSpan.FromSeconds(random.Next(8) == 0 ? 300_000 : random.Next(0, 7) / 2.0)));
        script.Add(([], TimeSpan.FromDays(3)));

        var faults = new Faults(seed);
        var clock = new TestClock();
        var ledger = new Ledger();
        Oracle oracle = oracleOf();
        ConsecutorOptions options = new()
        {
            Delivery = Sluice.DeliveryGuarantee.Replay(14, Backoff.None),
            Stream = new() { Partitions = isKeyed ? random.Next(1, 5) : 1 },
            MaxInFlight = random.Next(1, 40),
            Run = new()
            {
                Mode = random.Next(3) == 0 ? ExecutionMode.SingleThread : ExecutionMode.MultiThread,
                MaxBufferedItems = random.Next(1, 20),
                Time = clock
            },
        };
        await using IStreamStore store = await ScenarioStore.OpenAsync(clock);
        int done = 0, dead = 0, lives = random.Next(8);
        bool isPassed = false, hasEnded = false;
        List<string> expected = [];
        while (!hasEnded)
        {
            var mortal = new MortalStore(store, lives-- <= 0 ? int.MaxValue : random.Next(1, 120), (Moment)random.Next(3));
            var memory = new StateMemory(random.Next(3) switch { 0 => 0, 1 => 1_000, _ => StateMemory.DefaultBytes });
            Consecutor<int> consecutor = new("numbers", source =>
            {
                Source<string> texts = (lanes > 0 ? source | Stage.KeyBy((int n) => $"{n % keys}", lanes) | Sluice.StageNode.Of(Make)
                    : source | Sluice.StageNode.Of(Make)) | Stage.Named("timed");
                return texts | faults.Behind | ledger.Sink<string>();
            }, options with { Store = mortal, Process = new(), StateMemory = memory })
            { Key = isKeyed ? n => $"{n % keys}" : null };
            await mortal.OutliveAsync(consecutor, LiveAsync());
            Assert.Equal(0, memory.Bytes);

            TimedStageNode<int, string, List<int>> Make()
            {
                TimedStageNode<int, string, List<int>> made = node();
                ((IFaulty)made).Faults = faults;
                return made;
            }

            async Task LiveAsync()
            {
                await consecutor.StartAsync(Cancellation);
                while (done < script.Count)
                {
                    (int[] items, TimeSpan wait) = script[done];
                    if (!isPassed)
                    {
                        await using (PipelineRun intake = (Source.Resumable($"phase-{done}", items)
                            | consecutor).Start(cancellation: Cancellation)) await intake.Completion;
                        await consecutor.WaitForIdleAsync(Cancellation);
                        if (mortal.Died.IsCompleted) throw new StreamStoreException("It ended before.");
                        foreach (int item in items) oracle.Take($"{item % keys}", item, clock.GetUtcNow());
                        isPassed = true;
                        clock.Advance(wait);
                        foreach ((string line, bool isDead) in oracle.Pass(clock.GetUtcNow(), faults))
                        {
                            if (isDead) dead++;
                            else expected.Add(line);
                        }
                    }
                    using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(2));
                    await Member.UntilAsync(() => mortal.Died.IsCompleted || consecutor.Completion.IsCompleted
                        || IsSettled(consecutor.Snapshot(), patience.Token));
                    if (consecutor.Completion.IsFaulted) await consecutor.Completion;
                    if (mortal.Died.IsCompleted) throw new StreamStoreException("It ended before.");
                    Assert.Equal(expected.Order(StringComparer.Ordinal), ledger.Lines.Order(StringComparer.Ordinal));
                    (isPassed, done) = (false, done + 1);
                }
                for (int i = 0; i < 200; i++) await Member.NextAsync();
                ConsecutorSnapshot end = consecutor.Snapshot();
                Assert.Equal((dead, 0L), (end.Dead, end.Unaccounted));
                foreach (string name in (string[])["$timers/timed", "$due/timed"])
                    for (int partition = 0; partition < options.Stream.Partitions; partition++)
                        // the last commit may be on its way
                        while ((await store.ListStateAsync(new GroupId("numbers", "numbers"), partition, name,
                            cancellation: Cancellation)).Count > 0)
                        {
                            // a life that ends before that commit leaves it to the next
                            if (mortal.Died.IsCompleted) throw new StreamStoreException("It ended before.");
                            await Member.NextAsync();
                        }
                hasEnded = await consecutor.StopAsync();
                Assert.True(hasEnded);

                bool IsSettled(ConsecutorSnapshot now, CancellationToken patience)
                {
                    if (now.Dead > dead || patience.IsCancellationRequested)
                        throw new InvalidOperationException(
                            $"{ledger.Lines.Count} lines of {expected.Count}, {now.Dead} letters of {dead}: {now}");
                    return ledger.Lines.Count >= expected.Count && now.IsIdle && now.Dead == dead;
                }
            }
        }
        Assert.Equal(expected.Order(StringComparer.Ordinal), ledger.Lines.Order(StringComparer.Ordinal));
    }

    private interface IFaulty
    {
        Faults? Faults { get; set; }
    }

    /// <summary>What a loop makes of the items and of the time.</summary>
    private abstract class Oracle
    {
        protected Dictionary<string, List<int>> Held { get; } = [];

        protected Dictionary<(string Key, string Timer), DateTimeOffset> Due { get; } = [];

        public abstract void Take(string key, int item, DateTimeOffset now);

        /// <summary>The lines of the timers that become due, and whether each timer never succeeds.</summary>
        public IEnumerable<(string Line, bool IsDead)> Pass(DateTimeOffset now, Faults faults)
        {
            foreach (var timer in Due.Where(timer => timer.Value <= now).OrderBy(timer => timer.Value).Select(static timer => timer.Key)
                .ToList())
            {
                if (!Due.Remove(timer)) continue;
                bool isDead = MayFail(timer.Key, timer.Timer) && faults.IsPoison(Held[timer.Key][0]);
                yield return (Line(timer.Key, timer.Timer), isDead);
                if (!isDead) Fire(timer.Key, timer.Timer);
            }
        }

        protected abstract string Line(string key, string timer);

        protected virtual void Fire(string key, string timer) => Held.Remove(key);

        /// <summary>A timer that fails loses its order, so its output is known only if no other timer of its key is set.</summary>
        protected virtual bool MayFail(string key, string timer) => true;
    }

    private sealed class TrailingOracle : Oracle
    {
        public override void Take(string key, int item, DateTimeOffset now)
        {
            Held[key] = [item];
            Due[(key, "")] = now + TimeSpan.FromSeconds(1);
        }

        protected override string Line(string key, string timer) => $"{key}:{Held[key][0]}";
    }

    /// <summary>The last item of a burst comes out when nothing has come for a second.</summary>
    private sealed class Trailing : TimedStageNode<int, string, List<int>>, IFaulty
    {
        public Faults? Faults { get; set; }

        protected override List<int> InitialState(string key) => [];

        protected override async ValueTask ProcessAsync(int item, Output<string> output, CancellationToken cancellation)
        {
            State = [item];
            Timers.Set(TimeSpan.FromSeconds(1));
            if (item % 3 == 0) await Task.Yield();
            Faults!.InItem(item);
        }

        protected override async ValueTask OnTimerAsync(string timer, Output<string> output, CancellationToken cancellation)
        {
            int item = State[0];
            RemoveState();
            if (item % 2 == 0) await Task.Yield();
            await output.PushAsync($"{Key}:{item}");
            Faults!.InTimer(item);
        }
    }

    private sealed class ReminderOracle : Oracle
    {
        public override void Take(string key, int item, DateTimeOffset now)
        {
            if (item % 4 == 0)
            {
                Due.Remove((key, "soon"));
                Due.Remove((key, "late"));
                Held.Remove(key);
                return;
            }
            if (!Held.TryGetValue(key, out List<int>? held)) Held.Add(key, held = []);
            held.Add(item);
            Due[(key, "soon")] = now + TimeSpan.FromSeconds(2);
            Due.TryAdd((key, "late"), now + TimeSpan.FromMinutes(1));
        }

        protected override bool MayFail(string key, string timer) => timer == "late" && !Due.ContainsKey((key, "soon"));

        protected override string Line(string key, string timer) => $"{key}:{timer}:{string.Join(',', Held[key])}";

        protected override void Fire(string key, string timer)
        {
            if (timer != "late") return;
            Due.Remove((key, "soon"));
            Held.Remove(key);
        }
    }

    /// <summary>Items begin a task, and each fourth number ends it. A task that is not ended is reminded of soon, and given up
    /// late.</summary>
    private sealed class Reminder : TimedStageNode<int, string, List<int>>, IFaulty
    {
        public Faults? Faults { get; set; }

        protected override List<int> InitialState(string key) => [];

        protected override ValueTask ProcessAsync(int item, Output<string> output, CancellationToken cancellation)
        {
            if (item % 4 == 0)
            {
                Assert.Equal(Timers.IsSet("late"), Timers.Cancel("late"));
                Timers.Cancel("soon");
                RemoveState();
            }
            else
            {
                State = [.. State, item];
                Timers.Set(TimeSpan.FromSeconds(2), "soon");
                if (!Timers.IsSet("late")) Timers.Set(TimeSpan.FromMinutes(1), "late");
            }
            Faults!.InItem(item);
            return default;
        }

        protected override ValueTask OnTimerAsync(string timer, Output<string> output, CancellationToken cancellation)
        {
            List<int> held = State;
            if (timer == "late" && !Timers.IsSet("soon")) Faults!.InTimer(held[0]);
            if (timer == "late")
            {
                Timers.Cancel("soon");
                RemoveState();
            }
            return output.PushAsync($"{Key}:{timer}:{string.Join(',', held)}");
        }
    }

    /// <summary>Fails some items, timers, and what comes out of timers, once or twice; and some timers always.</summary>
    private sealed class Faults(int seed)
    {
        private readonly ConcurrentDictionary<(int Place, int Item), int> starts = new();

        /// <summary>Whether a timer that is about an item never succeeds.</summary>
        public bool IsPoison(int item) => Kind(item) == 3;

        public void InItem(int item) => Fail(0, item);

        public void InTimer(int item) => Fail(1, item);

        public string Behind(string line)
        {
            Fail(2, line.Length * 31);
            return line;
        }

        private void Fail(int place, int item)
        {
            if (place == 1 && IsPoison(item)) throw new FormatException($"{item} is poison");
            if (Kind(item) == place && starts.AddOrUpdate((place, item), 1, static (_, known) => known + 1) <= 2)
                throw new TimeoutException("not now");
        }

        private int Kind(int item) => (int)(((((uint)seed * 2654435761u) ^ ((uint)item * 2246822519u)) * 3266489917u >> 7) % 20);
    }
}
