using Sluice.Flows;

namespace Sluice.Tests.Flows;

/// <summary>A run is deleted while a caller still has its FlowRun: every error says so.</summary>
public class DeletedRunTests
{
    private static readonly Processor Work = new("work") { Inputs = ["x"], Outputs = ["y"] };

    [Fact]
    public async Task CallsOnADeletedRunSayThatItWasDeleted()
    {
        await using var lab = new FlowLab();
        Supervisor service = lab.Join();
        service.Register(Work, StartTests.CopyAsync);
        FlowRun run = await service.StartAsync(Flow.From(Work).Resolve(), [IOVal.Of("x", 1)], cancellation: FlowLab.Cancellation);
        FlowRun beside = (await service.FindAsync(run.Id, FlowLab.Cancellation))!;
        await run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        await lab.UntilLeftAsync("work", run.Id);
        Assert.True(await service.DeleteAsync(run.Id, FlowLab.Cancellation));
        Func<Task>[] calls = [() => FlowLab.ReadAsync(run.Output<int>("y")), () => run.GetStatusAsync(FlowLab.Cancellation),
            () => run.CancelAsync("late", FlowLab.Cancellation), () => FlowLab.ReadAsync(beside.Output<int>("y"))];
        foreach (Func<Task> call in calls)
        {
            var failure = await Assert.ThrowsAsync<FlowException>(() => call().WaitAsync(FlowLab.Patience, FlowLab.Cancellation));
            Assert.Contains("deleted", failure.Message);
        }
        await run.DisposeAsync().AsTask().WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        await beside.DisposeAsync().AsTask().WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        Assert.Null(await service.FindAsync(run.Id, FlowLab.Cancellation));
    }

    /// <summary>The deletion was cut off behind the values. Formerly a start with the id made them anew, and nobody ended them.</summary>
    [Fact]
    public async Task AStartThatFindsAHalfDeletedRunMakesNoStreams()
    {
        await using var lab = new FlowLab();
        Supervisor service = lab.Join();
        service.Register(Work, StartTests.CopyAsync);
        await using FlowRun run = await StartAsync();
        await run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        foreach (string stream in await lab.Store.ListStreamsAsync(FlowNames.AllValues("half"), FlowLab.Cancellation))
            await lab.Store.DeleteStreamAsync(stream, FlowLab.Cancellation);

        await using FlowRun found = await StartAsync();
        Assert.Empty(await lab.Store.ListStreamsAsync(FlowNames.AllValues("half"), FlowLab.Cancellation));
        var failure = await Assert.ThrowsAsync<FlowException>(() => FlowLab.ReadAsync(found.Output<int>("y"))
            .WaitAsync(FlowLab.Patience, FlowLab.Cancellation));
        Assert.Contains("deleted", failure.Message);

        await lab.UntilLeftAsync("work", "half");
        Assert.True(await service.DeleteAsync("half", FlowLab.Cancellation));
        await using FlowRun again = await StartAsync();
        Assert.Equal([1], await FlowLab.ReadAsync(again.Output<int>("y")).WaitAsync(FlowLab.Patience, FlowLab.Cancellation));

        Task<FlowRun> StartAsync() => service.StartAsync(Flow.From(Work).Resolve(), [IOVal.Of("x", 1)], run: "half",
            cancellation: FlowLab.Cancellation);
    }
}
