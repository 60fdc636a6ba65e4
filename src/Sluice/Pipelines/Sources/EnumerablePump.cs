namespace Sluice.Pipelines;

internal sealed class EnumerablePump<T>(StageContext context, Inlet<T> next, IEnumerable<T> items) : SequencePump<T>(context, next)
{
    protected override IEnumerator<T> Open() => items.GetEnumerator();
}
