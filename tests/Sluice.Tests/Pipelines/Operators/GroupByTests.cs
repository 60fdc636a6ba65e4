namespace Sluice.Tests.Pipelines.Operators;

public sealed class GroupByTests : FunctionOperatorContract<string>
{
    protected override string Kind => "group";

    protected override int? FirstOutputAfter => 2;

    protected override Source<string> Apply(Source<int> source) => source.GroupBy(n => n / 3, maxSize: 2).Select(Text);

    protected override Pipe<int, string> Apply(Pipe<int, int> pipe) => pipe.GroupBy(n => n / 3, maxSize: 2).Select(Text);

    protected override IEnumerable<string> Oracle(IReadOnlyList<int> items)
        => items.GroupBy(n => n / 3).SelectMany(run => run.Chunk(2)).Select(run => $"{run[0] / 3}: {string.Join(' ', run)}");

    protected override Source<string> Fragile(Source<int> source, Action<int> touch) => source.GroupBy(
        n =>
        {
            touch(n);
            return n / 3;
        },
        maxSize: 2).Select(Text);

    private static string Text(Group<int, int> group) => $"{group.Key}: {string.Join(' ', group.Items)}";

    [Fact]
    public async Task AKeyThatComesAgainMakesAnotherGroup()
    {
        List<string> seen = [];
        await Source.From(["a", "A", "b", "a"]).GroupBy(word => word, comparer: StringComparer.OrdinalIgnoreCase)
            .ForEach(group => seen.Add($"{group}")).RunAsync();
        Assert.Equal(["a: 2 items", "b: 1 item", "a: 1 item"], seen);
    }

    [Fact]
    public async Task AMaxSizeOfOnePutsEachItemInItsOwnGroup()
    {
        List<int> seen = [];
        await Source.From([1, 1, 2]).GroupBy(n => n, maxSize: 1).ForEach(group => seen.Add(group.Items.Single())).RunAsync();
        Assert.Equal([1, 1, 2], seen);
        Assert.Throws<ArgumentOutOfRangeException>(() => Source.From([1]).GroupBy(n => n, maxSize: 0));
    }

    [Fact]
    public async Task AGroupWithoutAMaxSizeIsEmittedAtTheNextKey()
    {
        List<string> seen = [];
        await Source.From(Enumerable.Range(0, 7)).Do(n => seen.Add($"{n}")).GroupBy(n => n / 3).ForEach(group => seen.Add(Text(group)))
            .RunAsync();
        Assert.Equal(["0", "1", "2", "3", "0: 0 1 2", "4", "5", "6", "1: 3 4 5", "2: 6"], seen);
    }
}
