namespace Sluice;

public static partial class Sink
{
    /// <summary>A sink that writes to a named output, as nodes do (<see cref="NamedOutput{T}"/>).</summary>
    /// <remarks>In a consecutor, the output can be wired to other consecutors (<see cref="Consecutor{T}.Output{TOut}"/>). In other runs,
    /// read it from the run (<see cref="RunOptions.Outputs"/>, <see cref="PipelineRun.Output{T}"/>). Items that no reader wants are counted
    /// and discarded.</remarks>
    /// <param name="name">The name of the output. Several sinks may write to one output, of one type.</param>
    /// <exception cref="ArgumentException">The name is null or empty.</exception>
    public static Sink<T> Output<T>(string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        return Sink<T>.Of(new OutputSink<T>(name));
    }
}

internal sealed class OutputSink<T>(string name) : Operator<T, Unit>
{
    public override string Kind => "output";

    public override string Hint => name;

    public override string OutputName => name;

    public override bool IsAsynchronous => true;

    public override bool CanBeAbandoned => false;

    public override Inlet<T> Create(StageContext context, Inlet<Unit> next) => new OutputSinkStage<T>(context, next, name);
}

internal sealed class OutputSinkStage<T>(StageContext context, Inlet<Unit> next, string name) : Stage<T, Unit>(context, next)
{
    public override ValueTask PushAsync(T item, Ticket? ticket)
    {
        Context.In++;
        try
        {
            ValueTask pushed = OutputPush.PushAsync(Context, name, item, ticket);
            if (!pushed.IsCompletedSuccessfully) return PushedAsync(pushed, item, ticket);
        }
        catch (Exception e)
        {
            throw Context.Failure(e, item, ticket);
        }
        return End(ticket);
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask PushedAsync(ValueTask pushed, T item, Ticket? ticket)
    {
        await WaitForAsync(pushed, item, ticket);
        await End(ticket);
    }
}
