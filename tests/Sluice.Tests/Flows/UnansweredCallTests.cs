using Sluice.Flows;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Flows;

/// <summary>The store never answers a call of a service, although it answers the heartbeats of that service.</summary>
public sealed class UnansweredCallTests : IAsyncDisposable
{
    private const int FirstRounds = 60, MaxLooks = 5_000;
    private static readonly TimeSpan LeaseDuration = TimeSpan.FromSeconds(9);
    private static readonly Processor Work = new("work") { Inputs = ["x"], Outputs = ["y"] };
    private static readonly GroupId Group = FlowNames.Hosts("work");

    private readonly TestClock clock = new();
    private readonly List<string> warnings = [];
    private readonly MemoryStreamStore store = new();
    private readonly List<Supervisor> services = [];

    [Theory]
    [InlineData(nameof(IStreamStore.AcquireAsync))]
    [InlineData(nameof(IStreamStore.LeaseAsync))]
    [InlineData(nameof(IStreamStore.ListStateAsync))]
    public async Task AnotherServiceTakesOverAndTheUserIsWarned(string call)
    {
        var silent = new SilentStore(store, call);
        Host("stuck", silent);
        await silent.Asked.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        Host("other", store);
        var rounds = new Rounds(FirstRounds);
        while (await OwnedByOtherAsync() < WorkGroup.Partitions)
        {
            Assert.True(await rounds.GoOnAsync(),
                $"The other service owns {await OwnedByOtherAsync()} of {WorkGroup.Partitions} partitions.");
            clock.Advance(LeaseDuration / 3);
            for (int look = 0; look < MaxLooks && await OwnedByOtherAsync() < WorkGroup.Partitions; look++) await Task.Yield();
        }
        const string OfThisService = "unanswered for 9 s. While this lasts, stuck ";
        lock (warnings) Assert.Single(warnings, static text => text.Contains(OfThisService, StringComparison.Ordinal));

        silent.Answer();                             // the service goes on, and shares again
        rounds = new(FirstRounds);
        while (await OwnedByOtherAsync() > WorkGroup.Partitions / 2)
        {
            Assert.True(await rounds.GoOnAsync(), $"The other service still owns {await OwnedByOtherAsync()} partitions.");
            clock.Advance(LeaseDuration / 3);
            for (int look = 0; look < MaxLooks; look++) await Task.Yield();
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (Supervisor service in services) await service.DisposeAsync();
        await store.DisposeAsync();
    }

    private void Host(string name, IStreamStore over)
    {
        var service = Supervisor.Attach(over, new() { Name = name, Time = clock, LeaseDuration = LeaseDuration, OnWarning = Note });
        services.Add(service);
        service.Register(Work, StartTests.CopyAsync);

        void Note(string text)
        {
            lock (warnings) warnings.Add(text);
        }
    }

    private async Task<int> OwnedByOtherAsync()
        => (await store.FindGroupAsync(Group, FlowLab.Cancellation))?.Partitions.Count(static partition => partition.Owner == "other") ?? 0;

    /// <summary>A store that carries out the first call of a name in the work stream, and answers it when the test wants.</summary>
    private sealed class SilentStore(IStreamStore inner, string call) : StreamStoreWrapper(inner, leaveOpen: true)
    {
        private readonly TaskCompletionSource asked = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource answered = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Asked => asked.Task;

        public void Answer() => answered.TrySetResult();

        public override async ValueTask<AcquireResult> AcquireAsync(GroupId group, int partition, AcquireRequest request,
            CancellationToken cancellation = default)
        {
            AcquireResult result = await base.AcquireAsync(group, partition, request, cancellation);
            if (group == Group) await HoldAsync(nameof(AcquireAsync), cancellation);
            return result;
        }

        public override async ValueTask<LeaseResult> LeaseAsync(LeaseRequest request, CancellationToken cancellation = default)
        {
            LeaseResult result = await base.LeaseAsync(request, cancellation);
            await HoldAsync(nameof(LeaseAsync), cancellation);
            return result;
        }

        public override async ValueTask<IReadOnlyList<StateRow>> ListStateAsync(GroupId group, int partition, string node,
            string? after = null, int max = 1000, CancellationToken cancellation = default)
        {
            IReadOnlyList<StateRow> result = await base.ListStateAsync(group, partition, node, after, max, cancellation);
            await HoldAsync(nameof(ListStateAsync), cancellation);
            return result;
        }

        private Task HoldAsync(string name, CancellationToken cancellation)
        {
            if (name != call) return Task.CompletedTask;
            asked.TrySetResult();
            return answered.Task.WaitAsync(cancellation);
        }
    }
}
