using Sluice.Flows;
using Sluice.Storage;

namespace Sluice.Tests.Flows;

/// <summary>A loop over several streams ends. Each of them is released, although the store fails at the first.</summary>
public class FailedReleaseTests
{
    [Fact]
    public async Task AMergeReleasesAllInputs()
    {
        FakePort[] ports = [new("a") { Fails = true }, new("b"), new("c") { Fails = true }];
        using var merge = new PortMerge(null, CancellationToken.None);
        foreach (FakePort port in ports) merge.Add(port, new(port, 1, isCounted: true));

        var failure = await Assert.ThrowsAsync<StreamStoreException>(async () => await merge.ReleaseAsync());

        Assert.Equal("a", failure.Message);
        Assert.All(ports, static port => Assert.True(port.IsReleased));
    }

    [Fact]
    public async Task AZipReleasesBothInputs()
    {
        FakePort first = new("a") { Fails = true }, second = new("b");
        IO<int> left = new(first, PayloadSerializers.Json), right = new(second, PayloadSerializers.Json);

        await Assert.ThrowsAsync<StreamStoreException>(async () => await left.Zip(right).GetAsyncEnumerator().MoveNextAsync());

        Assert.True(first.IsReleased && second.IsReleased);
    }

    /// <summary>A stream without values.</summary>
    private sealed class FakePort(string name) : IInputPort
    {
        public bool Fails { get; init; }

        public bool IsReleased { get; private set; }

        public string Name => name;

        public string Stream => name;

        public IItemBoundary? Boundary => null;

        public bool IsComplete => true;

        public FlowException Unreadable(long number, Type type, PayloadException cause) => throw new NotSupportedException();

        public void Count(long values) { }

        public ValueTask<PortReader> OpenAsync(ReadFrom from, bool isCounted, CancellationToken cancellation)
            => new(new PortReader(this, 1, isCounted));

        public ValueTask ReleaseAsync(PortReader reader, CancellationToken cancellation)
        {
            IsReleased = true;
            return Fails ? throw new StreamStoreException(name) : default;
        }

        public ValueTask<(ReadOnlyMemory<Entry> Values, long Next)> FetchAsync(PortReader reader, long next, CancellationToken cancellation)
        {
            reader.End();
            return new((default, next));
        }

        public bool WaitsWith(IInputPort other) => true;

        public Task WaitAsync(Task waited, IReadOnlyList<PortReader> readers, CancellationToken cancellation) => waited;
    }
}
