using System.ComponentModel;
using Sluice.Engine;
using Sluice.Pipelines;
using Sluice.Policies;

namespace Sluice;

public static partial class Source
{
    /// <summary>Merges sources: puts out each item as it comes, and ends when all sources have ended.</summary>
    /// <remarks>Items of one source keep their order. In single-thread mode sources run one after the other, each until it waits.</remarks>
    public static Source<T> Merge<T>(params Source<T>[] sources)
    {
        ArgumentNullException.ThrowIfNull(sources);
        if (sources.Length == 0) throw new ArgumentException("There is nothing to merge.", nameof(sources));
        return new MergeSource<T>([.. sources], new MergeAll<T>(), StageOptions.Default);
    }

    /// <summary>Refused: <c>Source.Merge(pipe, pipe)</c>.</summary>
    [EditorBrowsable(EditorBrowsableState.Never)]
    [Obsolete(CompileErrors.MergedPipes, error: true)]
    public static Pipe<TIn, TOut> Merge<TIn, TOut>(params Pipe<TIn, TOut>[] branches) => throw CompileErrors.Refused();
}

public static partial class SourceExtensions
{
    /// <inheritdoc cref="Source.Merge{T}(Source{T}[])"/>
    [AlsoForPipes]
    public static Source<T> Merge<T>(this Source<T> source, params Source<T>[] others)
        => Source.Merge([NotNull(source), .. NotNull(others)]);
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
