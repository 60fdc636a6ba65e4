namespace Sluice.Pipelines;

internal sealed class SinglePump<T>(StageContext context, Inlet<T> next, T item) : SourcePump<T>(context, next)
{
    protected override ValueTask ProduceAsync() => Flushed(EmitAsync(item));
}
