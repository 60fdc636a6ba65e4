using Sluice.Graphs;

namespace Sluice.Tests.Graphs.DataFlows;

/// <summary>Random flows, nested several levels deep, are compared with a sequential walk through the same tree.</summary>
public class RandomDataFlowTests
{
    private static readonly string[] Names = ["a", "b", "c", "d", "e"];
    private static readonly int Seed = int.TryParse(Environment.GetEnvironmentVariable("SLUICE_SEED"), out int seed) ? seed : 1;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task RandomFlowsGiveTheResultsOfASequentialWalk(bool reflected)
    {
        int flows = Repetitions.Of(40, all: 120);
        (int ended, int conflicts, int failures) = (0, 0, 0);
        for (int i = 0; i < flows; i++)
        {
            int seed = Seed + i;
            var random = new Random(seed);
            var visibility = (DataFlowVisibility)random.Next(3);
            var tree = Sequence.Make(random, 3);
            DataFlow flow = tree.Build().With(visibility);
            if (reflected) flow = flow.Reflected();
            Dictionary<string, int> parameters = Names.Where(_ => random.Next(3) > 0).ToDictionary(name => name, _ => random.Next(3));
            string expected, actual;
            try
            {
                var initial = new Bag(parameters);
                Bag given = tree.Walk(initial, initial, visibility);
                expected = (visibility == DataFlowVisibility.Stage && given.Count > 0 ? given : initial.Under(given)).ToString();
                ended++;
            }
            catch (MergeConflictException)
            {
                expected = "conflict";
                conflicts++;
            }
            catch (FormatException)
            {
                expected = "failed";
                failures++;
            }
            try
            {
                actual = new Bag((await flow.RunAsync(parameters, TestContext.Current.CancellationToken)).Values.ToDictionary(entry =>
                    entry.Key, entry => (int)entry.Value!)).ToString();
            }
            catch (MergeConflictException)
            {
                actual = "conflict";
            }
            catch (NodeFailedException e) when (e.InnerException is FormatException)
            {
                actual = "failed";
            }
            // In one stage, either a failure or a conflict may come first.
            if (expected is "conflict" or "failed" && actual is "conflict" or "failed") continue;
            Assert.True(expected == actual,
                $"seed {seed}, {visibility}: {flow}\nof {new Bag(parameters)}\nexpected {expected}\nactual   {actual}");
        }
        Assert.True(ended > flows / 3 && conflicts > flows / 30 && failures > flows / 60, $"{ended} {conflicts} {failures}");
    }

    /// <summary>Takes some names, each of which may be missing, and gives one.</summary>
    private sealed record Leaf(string Name, int Kind, int Salt)
    {
        public int Compute(int a, int b, int c) => Salt == 0 && a + b + c > 4 ? throw new FormatException("no")
            : (a + (2 * b) + (3 * c) + Salt) % 5;

        public Delegate Build()
        {
            Delegate function = Kind switch
            {
                0 => (int a = -1, int b = -1, int c = -1) => Compute(a, b, c),
                1 => async (int b = -1, int a = -1, int c = -1) =>
                {
                    await Task.Yield();
                    return Compute(a, b, c);
                }
                ,
                2 => (int a = -1, int b = -1, int c = -1) => new Dictionary<string, int> { [Name] = Compute(a, b, c) },
                3 => (int a = -1, int b = -1, int c = -1) =>
                    new ValueTask<object>(new Dictionary<string, object> { [Name] = Compute(a, b, c) }),
                _ => (int a = -1, int b = -1, int c = -1) => { Compute(a, b, c); }
                ,
            };
            return DataFlow.Function(function).Named(Name);
        }

        public Bag Walk(Bag visible)
        {
            int value = Compute(visible.Get("a"), visible.Get("b"), visible.Get("c"));
            return new(Kind > 3 ? [] : new() { [Name] = value });
        }
    }

    private sealed record Sequence(object[][] Stages)
    {
        public static Sequence Make(Random random, int depth)
            => new([.. Enumerable.Range(0, random.Next(1, 4)).Select(_ => Enumerable.Range(0, random.Next(1, 4)).Select(object (_) =>
                depth > 0 && random.Next(3) == 0 ? Make(random, depth - 1)
                : new Leaf(Names[random.Next(Names.Length)], random.Next(6), random.Next(12))).ToArray())]);

        public DataFlow Build() => DataFlow.Create([.. Stages.Select(stage =>
            DataFlowStage.Create([.. stage.Select(member => member is Leaf leaf ? leaf.Build() : ((Sequence)member).Build())]))]);

        public Bag Walk(Bag visible, Bag initial, DataFlowVisibility visibility)
        {
            var given = new Bag([]);
            foreach (object[] stage in Stages)
            {
                var results = new Bag([]);
                bool mayGive = false;
                foreach (object member in stage)
                {
                    Bag one = member is Leaf leaf ? leaf.Walk(visible) : ((Sequence)member).Walk(visible, initial, visibility);
                    results = results.Beside(one);
                    mayGive |= one.Count > 0;
                }
                if (visibility == DataFlowVisibility.All) (given, visible) = (given.Under(results), visible.Under(results));
                else if (mayGive) (given, visible) = (results, visibility == DataFlowVisibility.Initial ? initial.Under(results) : results);
            }
            return given;
        }
    }

    private sealed class Bag(Dictionary<string, int> values)
    {
        public int Count => values.Count;

        public int Get(string name) => values.GetValueOrDefault(name, -1);

        public Bag Under(Bag upper)
        {
            var all = new Dictionary<string, int>(values);
            foreach (var (name, value) in upper.Values) all[name] = value;
            return new(all);
        }

        public Bag Beside(Bag other)
        {
            foreach (var (name, value) in other.Values)
                if (values.TryGetValue(name, out int mine) && mine != value)
                    throw new MergeConflictException(name, "one", "other", "They differ.");
            return Under(other);
        }

        public override string ToString() => string.Join(" ",
            values.OrderBy(entry => entry.Key, StringComparer.Ordinal).Select(entry => $"{entry.Key}={entry.Value}"));

        private Dictionary<string, int> Values => values;
    }
}
