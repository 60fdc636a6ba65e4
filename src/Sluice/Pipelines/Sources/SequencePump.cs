namespace Sluice.Pipelines;

/// <summary>A pump that pushes the items of a sequence.</summary>
internal abstract class SequencePump<T>(StageContext context, Inlet<T> next) : SourcePump<T>(context, next)
{
    protected sealed override async ValueTask ProduceAsync()
    {
        IEnumerator<T> items;
        MayGoOutside();
        if (!GoOutside()) return;
        try
        {
            items = Open();
        }
        catch (Exception e)
        {
            ComeBack();
            throw Failure(e);
        }
        if (!ComeBack())
        {
            items.Dispose();
            return;
        }
        bool ended = false;
        try
        {
            while (true)
            {
                ValueTask pushed = PushSome(items, out ended);
                if (ended) return;
                Flush();
                await pushed;
            }
        }
        finally
        {
            Dispose(items, hasFailed: !ended);
        }
    }

    /// <summary>A failure while disposing is the source's, unless there is one already.</summary>
    private void Dispose(IEnumerator<T> items, bool hasFailed)
    {
        try
        {
            items.Dispose();
        }
        catch (Exception e) when (!hasFailed)
        {
            throw Failure(e);
        }
        catch (Exception)
        {
            // The first failure is on its way up, and says more.
        }
    }

    /// <summary>Begins the sequence, in the user's code.</summary>
    protected abstract IEnumerator<T> Open();

    /// <summary>Called when the sequence has no more items. What it throws is the failure of the source.</summary>
    protected virtual void OnEnd() { }

    /// <summary>Pushes items until the end, or until a push has to wait.</summary>
    /// <remarks>One try for the whole loop: <c>inUserCode</c> tells whose failure it is.</remarks>
    private ValueTask PushSome(IEnumerator<T> items, out bool ended)
    {
        ended = false;
        bool inUserCode = false;
        MayGoOutside();
        try
        {
            while (GoOutside())
            {
                inUserCode = true;
                bool more = items.MoveNext();
                T item = more ? items.Current : default!;
                inUserCode = false;
                if (!ComeBack()) break;
                if (!more)
                {
                    OnEnd();
                    break;
                }
                ValueTask pushed = EmitAsync(item);
                if (!pushed.IsCompletedSuccessfully) return pushed;
            }
        }
        catch (Exception e) when (inUserCode)
        {
            ComeBack();
            throw Failure(e);
        }
        ended = true;
        return default;
    }
}
