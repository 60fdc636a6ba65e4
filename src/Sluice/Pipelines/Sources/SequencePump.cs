namespace Sluice.Pipelines;

/// <summary>A pump that pushes the items of a sequence.</summary>
internal abstract class SequencePump<T>(StageContext context, Inlet<T> next) : SourcePump<T>(context, next)
{
    protected sealed override async ValueTask ProduceAsync()
    {
        IEnumerator<T> items;
        try
        {
            items = Open();
        }
        catch (Exception e)
        {
            throw Failure(e);
        }
        using (items)
        {
            while (true)
            {
                ValueTask pushed = PushSome(items, out bool ended);
                if (ended) return;
                Flush();
                await pushed;
            }
        }
    }

    /// <summary>Begins the sequence, in the user's code.</summary>
    protected abstract IEnumerator<T> Open();

    /// <summary>Pushes items until the end, or until a push has to wait.</summary>
    protected abstract ValueTask PushSome(IEnumerator<T> items, out bool ended);
}
