using Sluice.Graphs;

namespace Sluice.Tests.Graphs;

/// <summary>A node that fails on the null of an optional parent says which parent had no value, and why.</summary>
public class MissingParentTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task ANullOfAnOptionalParentIsExplained()
    {
        GraphBuilder<int> builder = Graph.For<int>("g");
        GraphNode<string> x = builder.Add("x", string (int _) => throw new IOException("no paper\nin tray 2")).Optional();
        builder.Add("y", x, s => s.Length);
        var failure = await Assert.ThrowsAsync<NodeFailedException>(() => builder.Build().ResolveAsync(1, Cancellation).AsTask());
        Assert.IsType<NullReferenceException>(failure.InnerException);
        Assert.EndsWith(" Its optional parent x has no value (IOException: no paper): write s?. or another value for that case.",
            failure.Message, StringComparison.Ordinal);
        Assert.StartsWith("The node y of the graph 'g' failed: ", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AllParentsWithoutAValueAreNamed()
    {
        GraphBuilder<int> builder = Graph.For<int>();
        GraphNode<string> good = builder.Add("good", n => $"{n}");
        GraphNode<string> x = builder.Add("x", string (int _) => throw new IOException("no paper")).Optional();
        GraphNode<string> z = builder.Add("z", x, async value => value).Needs(x);
        builder.Add("y", good, x, z, async (a, b, c) =>
        {
            await Task.Yield();
            ArgumentNullException.ThrowIfNull(b);
            return a + b + c;
        });
        var failure = await Assert.ThrowsAsync<NodeFailedException>(() => builder.Build().ResolveAsync(1, Cancellation).AsTask());
        Assert.Equal("The node y failed: Value cannot be null. (Parameter 'b'). Its optional parent x has no value (IOException: no "
            + "paper): write b?. or another value for that case. Its parent z has no value (it was skipped, as x has none): write c?. or "
            + "another value for that case.", failure.Message);
    }

    [Fact]
    public async Task OtherFailuresAndOtherNullsSayNothingOfParents()
    {
        GraphBuilder<int> builder = Graph.For<int>();
        GraphNode<string> x = builder.Add("x", string (int n) => n == 1 ? throw new IOException("no paper") : null!).Optional();
        builder.Add("y", x, s => s is null ? throw new FormatException("no text") : s.Length);
        Graph<int> graph = builder.Build();
        Assert.Equal("The node y failed: no text",
            (await Assert.ThrowsAsync<NodeFailedException>(() => graph.ResolveAsync(1, Cancellation).AsTask())).Message);

        builder = Graph.For<int>();
        GraphNode<string> empty = builder.Add("empty", string (int _) => null!).Optional();
        builder.Add("y", empty, s => s.Length);
        var plain = await Assert.ThrowsAsync<NodeFailedException>(() => builder.Build().ResolveAsync(1, Cancellation).AsTask());
        Assert.DoesNotContain("empty", plain.Message, StringComparison.Ordinal);
    }
}
