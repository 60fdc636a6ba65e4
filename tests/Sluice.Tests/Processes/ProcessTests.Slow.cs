namespace Sluice.Tests.Processes;

/// <content>Items that take much longer than others.</content>
public partial class ProcessTests
{
    /// <summary>The worker with the item holds more than half of what the stage may hold.</summary>
    [Fact]
    public async Task AnItemThatHangsKeepsOneWorkerOnly()
    {
        string file = Path.GetTempFileName();
        File.Delete(file);
        int count = 0;
        var all = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        PipelineRun run = (Source.From(Items()) | Pipe.InProcesses<string, string>("text",
            Two with { MaxItemsPerWorker = 2, StopTimeout = TimeSpan.FromMilliseconds(1) }) | Stage.Unordered | (_ =>
            {
                if (++count == 20) all.SetResult();
            })).Start(new RunOptions { MaxBufferedItems = 3 }, Cancellation);

        await all.Task.WaitAsync(Cancellation);

        await run.CancelAsync();
        await run.DisposeAsync();
        File.Delete(file);

        IEnumerable<string> Items()
        {
            yield return $"once {file} hang";
            while (!File.Exists(file)) Thread.Yield();
            for (int i = 0; i < 21; i++) yield return "a";       // one of them is behind it
        }
    }
}
