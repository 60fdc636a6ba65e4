using Sluice;

namespace Originals.Consecution;

/// <summary>The node of most examples: it prints its name and the item, and passes the item on.</summary>
internal sealed class LogNode<T>(List<string> lines, int width = 15) : StageNode<T, T>
{
    protected override ValueTask ProcessAsync(T item, Output<T> output, CancellationToken cancellation)
    {
        lines.Add($"{(width < 0 ? Name.PadRight(-width) : Name.PadLeft(width))} processing {item}");
        return output.PushAsync(item);
    }
}

/// <summary>What an example prints, and its log nodes by name: one thread, one item after the other.</summary>
internal sealed class Log
{
    public static readonly RunOptions SingleThread = new() { Mode = ExecutionMode.SingleThread };

    public List<string> Lines { get; } = [];

    /// <summary>A node in the middle, or at the end of a branch that goes on.</summary>
    public Pipe<int, int> Node(string name) => Pipe.Of<int>() | Sluice.StageNode.Of(() => new LogNode<int>(Lines)) | Stage.Named(name);

    /// <summary>A node at the end. The original drops what its last node pushes.</summary>
    public Sink<int> End(string name) => Sink.Of<int>(item => Lines.Add($"{name,15} processing {item}")) | Stage.Named(name);
}
