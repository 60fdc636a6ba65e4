namespace Sluice.Engine;

/// <summary>Writes to a named output for a stage.</summary>
internal static class OutputPush
{
    /// <summary>Writes an item: in a tracked run it is attached to the root item, otherwise it goes to the output's reader.</summary>
    public static ValueTask PushAsync<T>(StageContext context, string name, T item, Ticket? ticket)
    {
        if (context.Run.Options.Following?.Outputs is not { } followed)
            return context.Run.Outputs.WriteAsync(context.Node, name, item, context.Token);
        Ticket? root = ticket ?? context.Ticket;
        ValueTask<IOutputItem?> prepared = followed.PrepareAsync(context.Node, name, item, root, context.Token);
        if (!prepared.IsCompletedSuccessfully) return StageAsync(prepared, root);
        prepared.Result?.Stage(root!);
        return default;
    }

    private static async ValueTask StageAsync(ValueTask<IOutputItem?> prepared, Ticket? root) => (await prepared)?.Stage(root!);
}
