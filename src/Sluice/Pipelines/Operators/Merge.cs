using Sluice.Pipelines;

namespace Sluice;

public static partial class Source
{
    /// <summary>Merges sources: puts out each item as it comes, and ends when all sources have ended.</summary>
    /// <remarks>Items of one source keep their order. In single-thread mode sources run one after the other, each until it waits.</remarks>
    public static Source<T> Merge<T>(params Source<T>[] sources) => MergeSource<T>.Of(sources, new MergeAll<T>());

    /// <summary>Refused: <c>Source.Merge(pipe, pipe)</c>.</summary>
    [EditorBrowsable(EditorBrowsableState.Never)]
    [Obsolete(CompileErrors.MergedPipes, error: true)]
    public static Pipe<TIn, TOut> Merge<TIn, TOut>(params Pipe<TIn, TOut>[] branches) => throw CompileErrors.Refused();

    /// <summary>Concatenates sources: all items of the first source, then all items of the second, and so on. Ends when all have
    /// ended.</summary>
    /// <remarks>All sources start with the run. A later source buffers its items until the earlier sources have ended: up to
    /// <see cref="RunOptions.MaxBufferedItems"/> items, in single-thread mode one; then it waits.</remarks>
    /// <param name="sources">At least one source.</param>
    /// <exception cref="ArgumentException">There is no source.</exception>
    public static Source<T> Concat<T>(params Source<T>[] sources) => MergeSource<T>.Of(sources, new ConcatOperator<T>());
}

public static partial class SourceExtensions
{
    /// <inheritdoc cref="Source.Merge{T}(Source{T}[])"/>
    [AlsoForPipes]
    public static Source<T> Merge<T>(this Source<T> source, params Source<T>[] others)
        => Source.Merge([NotNull(source), .. NotNull(others)]);

    /// <summary>Puts out the items of this source, then the items of the other sources, one source after the other.</summary>
    /// <inheritdoc cref="Source.Concat"/>
    [AlsoForPipes]
    public static Source<T> Concat<T>(this Source<T> source, params Source<T>[] others)
        => Source.Concat([NotNull(source), .. NotNull(others)]);
}

internal sealed class MergeAll<T> : MergeOperator<T>
{
    public override string Kind => "merge";

    public override Inlet<T>[] Create(StageContext context, Inlet<T> next, int inputs)
    {
        var stage = new MergeStage<T>(context, next);
        stage.ShareAmong(inputs);
        return [.. Enumerable.Repeat<Inlet<T>>(stage, inputs)];
    }
}

internal sealed class MergeStage<T>(StageContext context, Inlet<T> next) : Stage<T, T>(context, next)
{
    public override ValueTask PushAsync(T item, Ticket? ticket)
    {
        Context.In++;
        return EmitAsync(item, ticket);
    }
}

internal sealed class ConcatOperator<T> : MergeOperator<T>
{
    public override string Kind => "concat";

    public override bool IsSelective => true;

    public override Inlet<T>[] Create(StageContext context, Inlet<T> next, int inputs) => new ConcatStage<T>(context, next, inputs).Inputs;
}

/// <summary>Takes from one input at a time. An empty input may end before its turn.</summary>
internal sealed class ConcatStage<T> : IUpstream
{
    private readonly StageContext context;
    private readonly Inlet<T> next;
    private readonly Input[] inputs;
    private int turn;

    public ConcatStage(StageContext context, Inlet<T> next, int count)
    {
        (this.context, this.next) = (context, next);
        inputs = new Input[count];
        for (int i = 0; i < count; i++) inputs[i] = new Input(this, i);
        next.Attach(this);
    }

    public Inlet<T>[] Inputs => [.. inputs];

    public void Stop()
    {
        foreach (Input input in inputs) input.Upstream?.Stop();
    }

    private ValueTask Advance()
    {
        while (turn < inputs.Length && inputs[turn].IsOver) turn++;
        return turn == inputs.Length ? next.CompleteAsync() : default;
    }

    private sealed class Input : Inlet<T>
    {
        private readonly ConcatStage<T> stage;
        private readonly int place;

        public Input(ConcatStage<T> stage, int place) => (this.stage, this.place, Node) = (stage, place, stage.context.Node);

        public bool IsOver { get; private set; }

        public override bool IsSelective => true;

        public override bool IsReady => stage.turn == place;

        public override ValueTask PushAsync(T item, Ticket? ticket)
        {
            stage.context.In++;
            stage.context.Out++;
            return stage.next.PushAsync(item, ticket);
        }

        public override void Flush() => stage.next.Flush();

        protected override ValueTask OnCompleteAsync()
        {
            IsOver = true;
            return stage.Advance();
        }
    }
}
