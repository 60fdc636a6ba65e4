namespace Sluice;

/// <summary>Makes the topology of a piece: by building a run of it that is never launched, so that the picture cannot differ from the run.</summary>
internal static class Drawing
{
    private static readonly RunOptions Options = new() { Mode = ExecutionMode.SingleThread };

    public static Topology Of(Action<RunBuilder> build)
    {
        var builder = new RunBuilder(Options, isDrawing: true);
        build(builder);
        return builder.Recorder.Topology;
    }
}

/// <summary>Stands for what a pipe will be joined to.</summary>
internal sealed class OpenEnd<T> : Inlet<T>
{
    public OpenEnd() => Node = -1;

    public override ValueTask PushAsync(T item, Ticket? ticket) => throw new InvalidOperationException("A pipe that is only drawn takes no items.");

    protected override ValueTask OnCompleteAsync() => default;
}
