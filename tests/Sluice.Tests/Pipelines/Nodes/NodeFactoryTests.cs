using Sluice.Topologies;

namespace Sluice.Tests.Pipelines;

/// <summary>A factory of a node that fails, or returns nothing.</summary>
public class NodeFactoryTests
{
    [Fact]
    public async Task AConstructorThatThrowsIsNamedWithItsTypesAndWhatToDo()
    {
        Pipeline pipeline = Source.From([1, 2]) | StageNode.Of(() => new Heavy(fails: true)) | (static _ => { });
        var failure = await Assert.ThrowsAsync<InvalidTopologyException>(() => pipeline.RunAsync());
        Assert.Equal("The factory of a node that takes int and puts out string has failed. A node is also made before the "
            + "first run, to find its name: keep its constructor light, and open resources in BeginAsync. IOException: The file "
            + "is missing.", failure.Message);
        Assert.IsType<IOException>(failure.InnerException);
    }

    [Fact]
    public void AConsecutorNamesItself()
    {
        var failure = Assert.Throws<InvalidTopologyException>(() => new Consecutor<int>("orders",
            source => source | StageNode.Of(() => new Heavy(fails: true)) | (static _ => { })));
        Assert.StartsWith("The consecutor orders is not valid: The factory of a node that takes int and puts out string has failed. ",
            failure.Message, StringComparison.Ordinal);
        Assert.IsType<IOException>(failure.InnerException);
    }

    [Fact]
    public async Task AFactoryThatReturnsNullSaysSo()
    {
        Pipeline pipeline = Source.From([1, 2]) | StageNode.Of<int, string>(static () => null!) | (static _ => { });
        var failure = await Assert.ThrowsAsync<InvalidTopologyException>(() => pipeline.RunAsync());
        Assert.Equal("The factory of a node that takes int and puts out string returned null. It makes an instance for each run and lane.",
            failure.Message);
    }

    private sealed class Heavy : StageNode<int, string>
    {
        public Heavy(bool fails)
        {
            if (fails) throw new IOException("The file is missing.");
        }

        protected override ValueTask ProcessAsync(int item, Output<string> output, CancellationToken cancellation)
            => output.PushAsync($"{item}");
    }
}
