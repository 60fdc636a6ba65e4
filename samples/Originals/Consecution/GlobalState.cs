using Sluice;

namespace Originals.Consecution;

/// <summary>The original: one object is shared by all nodes of a pipeline, and is there when the pipeline has ended.</summary>
internal static class GlobalState
{
    private sealed class Messages
    {
        public List<string> Lines { get; } = [];
    }

    private sealed class LogNode : StageNode<int, int>
    {
        protected override ValueTask ProcessAsync(int item, Output<int> output, CancellationToken cancellation)
        {
            State<Messages>().Lines.Add($"{Name,15} processing {item}");
            return output.PushAsync(item);
        }
    }

    public static async Task RunAsync()
    {
        Pipe<int, int> Log(string name) => Pipe.Of<int>() | StageNode.Of(() => new LogNode()) | Stage.Named(name);

        Pipeline pipe = Source.From(Enumerable.Range(0, 3)) | Log("extract") | Log("transform") | Log("load") | (_ => { });
        await using PipelineRun run = pipe.Start(new RunOptions { Mode = ExecutionMode.SingleThread, State = new Messages() });
        List<string> messages = await run.ResultAsync((Messages state) => state.Lines);

        Check.Lines("""
                    extract processing 0
                  transform processing 0
                       load processing 0
                    extract processing 1
                  transform processing 1
                       load processing 1
                    extract processing 2
                  transform processing 2
                       load processing 2
            """, messages);
    }
}
